import type { ScanEntry } from '../../shared/api.ts'
import { decodeKey } from '../../shared/encoding.ts'
import { keyToText } from '../../shared/key.ts'
import { countFlag, KvCommand, keyEncodingFlag, optionalArgument, typedKey } from '../base-command.ts'
import { writeBytes } from '../output.ts'

export default class Scan extends KvCommand {
  static override summary = 'List keys, all or those with a prefix.'
  static override description =
    'One key a line, in the order of the ring. With --json, one {"key"} a line, with "keyEncoding":"base64" where a key is not UTF-8.'
  static override examples = [
    { description: 'The first ten keys:', command: '<%= config.bin %> scan --limit 10' },
    { description: 'All keys with a prefix:', command: '<%= config.bin %> scan user:' },
  ]
  static override args = { prefix: optionalArgument('Only keys that begin with it.') }
  static override flags = { limit: countFlag('Stop after this many keys.'), ...keyEncodingFlag }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Scan)
    const prefix = args.prefix ? typedKey(args.prefix, flags['key-encoding']) : undefined
    const client = await this.connect(flags)
    const json = this.jsonEnabled()
    for await (const entry of client.scan({ prefix, limit: flags.limit, values: false })) {
      await writeBytes(`${json ? JSON.stringify(entry) : shownKey(entry)}\n`)
    }
  }
}

function shownKey(entry: ScanEntry): string {
  return keyToText(decodeKey(entry.key, entry.keyEncoding))
}
