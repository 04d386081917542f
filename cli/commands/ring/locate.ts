import type { LocateResult } from '../../../shared/api.ts'
import { argument, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'
import { colours } from '../../render/colour.ts'
import { paint } from '../../render/ring-status.ts'
import { renderTable } from '../../render/table.ts'

export default class RingLocate extends KvCommand {
  static override summary = 'Show which nodes own a key, and who stands in for them.'
  static override description =
    'All nodes, in the order in which they are asked for this key: its owners, then the fallbacks that take writes while an owner is out of reach. The key need not exist.'
  static override examples = [
    { description: 'Where does a key live?', command: '<%= config.bin %> ring locate greeting' },
    {
      description: 'Keys with the same part in braces live together:',
      command: "<%= config.bin %> ring locate 'cart:{user:7}' --json",
    },
  ]
  static override args = { key: argument('The key to locate.') }
  static override flags = { ...keyEncodingFlag }

  async run(): Promise<LocateResult> {
    const { args, flags } = await this.parse(RingLocate)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const result = await client.locate(key)
    if (!this.jsonEnabled()) {
      const rows = result.preferenceList.map(({ id, role, state }) => [id, role, paint(state, colours())])
      this.print(`slot ${result.slot}\n\n${renderTable(['NODE', 'ROLE', 'STATE'], rows)}`)
    }
    return result
  }
}
