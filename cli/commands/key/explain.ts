import type { KeyReport } from '../../../shared/key-report.ts'
import { argument, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'
import { colours } from '../../render/colour.ts'
import { renderKeyReport } from '../../render/key-report.ts'

export default class KeyExplain extends KvCommand {
  static override summary = 'Show every copy of a key, and what a read would answer.'
  static override description =
    'Each node is asked for what it holds of the key: its versions with their time, size and digest, tombstones, expiry, how many replaced requests it remembers (RETIRED), and hints for owners that were out of reach. Below that stands what a read with r = 1, 2 and 3 answers, from whichever owners it comes to ask. Nothing is changed.'
  static override examples = [
    {
      description: 'Which node holds what of a key?',
      command: '<%= config.bin %> key explain greeting',
    },
    {
      description: 'The same for a script:',
      command: '<%= config.bin %> key explain greeting --json',
    },
  ]
  static override args = { key: argument('The key to explain; it need not exist.') }
  static override flags = { ...keyEncodingFlag }

  async run(): Promise<KeyReport> {
    const { args, flags } = await this.parse(KeyExplain)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const report = await client.explain(key)
    if (!this.jsonEnabled()) this.print(renderKeyReport(report, colours()))
    return report
  }
}
