import type { CountResult } from '../../shared/api.ts'
import { KvCommand, keyEncodingFlag, optionalArgument, typedKey } from '../base-command.ts'

export default class Count extends KvCommand {
  static override summary = 'Count keys, all or those with a prefix.'
  static override description =
    'Walks over the keys of the whole ring, so it takes longer the more there are.'
  static override examples = [
    { description: 'All keys:', command: '<%= config.bin %> count' },
    { description: 'Keys with a prefix:', command: '<%= config.bin %> count user: --json' },
  ]
  static override args = { prefix: optionalArgument('Only keys that begin with it.') }
  static override flags = { ...keyEncodingFlag }

  async run(): Promise<CountResult> {
    const { args, flags } = await this.parse(Count)
    const prefix = args.prefix ? typedKey(args.prefix, flags['key-encoding']) : undefined
    const client = await this.connect(flags)
    const result = await client.count(prefix)
    if (!this.jsonEnabled()) this.print(String(result.count))
    return result
  }
}
