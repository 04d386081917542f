import { Flags } from '@oclif/core'
import type { ScanEntry } from '../../shared/api.ts'
import { KvCommand, keyEncodingFlag, optionalArgument, typedKey } from '../base-command.ts'
import { writeBytes } from '../output.ts'
import { csvHeader, csvLine, ndjsonLine } from '../render/export-line.ts'

export default class Export extends KvCommand {
  static override summary = 'Write all records, or those with a prefix, to standard output.'
  static override description =
    'Key and value are text where they are UTF-8 and base64 otherwise, as "keyEncoding" and "encoding" say. kv import reads what this writes, and gives back every byte.'
  static override examples = [
    { description: 'Everything:', command: '<%= config.bin %> export > all.ndjson' },
    {
      description: 'The keys with a prefix, for a spreadsheet:',
      command: '<%= config.bin %> export user: --format csv > users.csv',
    },
  ]
  static override args = { prefix: optionalArgument('Only keys that begin with it.') }
  static override flags = {
    format: Flags.option({
      options: ['ndjson', 'csv'] as const,
      summary: 'How to write.',
      default: 'ndjson' as const,
    })(),
    ...keyEncodingFlag,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Export)
    const prefix = args.prefix ? typedKey(args.prefix, flags['key-encoding']) : undefined
    const client = await this.connect(flags)
    const line: (entry: ScanEntry) => string = flags.format === 'csv' ? csvLine : ndjsonLine
    let begun = false
    for await (const entry of client.scan({ prefix, values: true })) {
      // Only once the ring has answered: a failure leaves nothing that looks like an empty export.
      if (!begun && flags.format === 'csv') await writeBytes(csvHeader())
      begun = true
      await writeBytes(line(entry))
    }
    if (!begun && flags.format === 'csv') await writeBytes(csvHeader())
  }
}
