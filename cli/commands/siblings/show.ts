import type { Encoding, SiblingResult } from '../../../shared/api.ts'
import { argument, countFlag, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'
import { renderSiblings, sizeOf } from '../../render/siblings.ts'

interface SiblingsResult {
  key: string
  keyEncoding?: Encoding
  siblings: (SiblingResult & { bytes: number })[]
  /** Of this read: a write that carries it replaces exactly these. */
  context: string
  replies: number
  r: number
  sloppy: boolean
}

export default class SiblingsShow extends KvCommand {
  static override summary = 'Show the concurrent values of a key.'
  static override description =
    'Writes that did not know of each other leave several values, in a ring with --conflicts siblings. They are listed with their version, who wrote them and when, the newest first: that is the one that kv get prints. In a ring with lww there is never more than one. A missing key is exit code 3.'
  static override examples = [
    { description: 'Which values are there?', command: '<%= config.bin %> siblings show greeting' },
    {
      description: 'All owners asked, for a script:',
      command: '<%= config.bin %> siblings show greeting --r 3 --json',
    },
  ]
  static override args = { key: argument('The key to read.') }
  static override flags = { r: countFlag('Replicas that must answer.'), ...keyEncodingFlag }

  async run(): Promise<SiblingsResult> {
    const { args, flags } = await this.parse(SiblingsShow)
    const typed = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const {
      key,
      keyEncoding,
      siblings = [],
      ...read
    } = await client.get(typed, {
      r: flags.r,
      siblings: true,
    })
    if (!this.jsonEnabled()) this.print(renderSiblings(siblings))
    if (read.sloppy) this.note('some nodes are out of reach: there may be more')
    const { context, replies, r, sloppy } = read
    const sized = siblings.map((sibling) => ({ ...sibling, bytes: sizeOf(sibling) }))
    return { key, ...(keyEncoding && { keyEncoding }), siblings: sized, context, replies, r, sloppy }
  }
}
