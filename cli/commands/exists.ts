import type { Encoding } from '../../shared/api.ts'
import { encodeKey } from '../../shared/encoding.ts'
import { ERRORS } from '../../shared/errors.ts'
import { argument, countFlag, KvCommand, keyEncodingFlag, typedKey } from '../base-command.ts'

interface ExistsResult {
  key: string
  keyEncoding?: Encoding
  exists: boolean
}

export default class Exists extends KvCommand {
  static override summary = 'Say whether a key is there: exit code 0 if so, 3 if not.'
  static override description = 'Prints true or false.'
  static override examples = [
    { description: 'Is it there?', command: '<%= config.bin %> exists greeting' },
    { description: 'In a script:', command: '<%= config.bin %> exists greeting --json' },
  ]
  static override args = { key: argument('The key to look for.') }
  static override flags = { r: countFlag('Replicas that must answer.'), ...keyEncodingFlag }

  async run(): Promise<ExistsResult> {
    const { args, flags } = await this.parse(Exists)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const exists = await client.exists(key, { r: flags.r })
    if (!exists) process.exitCode = ERRORS.not_found.exit
    if (!this.jsonEnabled()) this.print(String(exists))
    return { ...encodeKey(key), exists }
  }
}
