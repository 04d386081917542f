import { Flags } from '@oclif/core'
import type { ReadResult } from '../../shared/api.ts'
import { decodeBytes } from '../../shared/encoding.ts'
import { argument, countFlag, KvCommand, keyEncodingFlag, typedKey } from '../base-command.ts'
import { writeBytes } from '../output.ts'

export default class Get extends KvCommand {
  static override summary = 'Print the value of a key.'
  static override description =
    'On a terminal a newline follows the value; elsewhere exactly its bytes are written. A missing key is exit code 3.'
  static override examples = [
    { description: 'Read a value:', command: '<%= config.bin %> get greeting' },
    {
      description: 'Ask all three owners, and see the version:',
      command: '<%= config.bin %> get greeting --r 3 --json',
    },
    {
      description: 'Save a value to a file, byte for byte:',
      command: '<%= config.bin %> get greeting --raw > greeting.txt',
    },
  ]
  static override args = { key: argument('The key to read.') }
  static override flags = {
    r: countFlag('Replicas that must answer.'),
    siblings: Flags.boolean({ summary: 'Show every concurrent value, not only the newest.' }),
    raw: Flags.boolean({ summary: 'Write exactly the bytes, also on a terminal.' }),
    ...keyEncodingFlag,
  }

  async run(): Promise<ReadResult> {
    const { args, flags } = await this.parse(Get)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const result = await client.get(key, { r: flags.r, siblings: flags.siblings || undefined })
    if (this.jsonEnabled()) return result
    const shown = (flags.siblings && result.siblings) || [result]
    const newline = !flags.raw && (process.stdout.isTTY || shown.length > 1)
    for (const { value, encoding } of shown) {
      await writeBytes(decodeBytes(value, encoding))
      if (newline) await writeBytes(Buffer.from('\n'))
    }
    return result
  }
}
