import type { KeyRepairResult } from '../../../shared/key-report.ts'
import { argument, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'

/** Some owners are mended, and others are not: as an import whose records were not all taken. */
const INCOMPLETE_EXIT = 8

export default class KeyRepair extends KvCommand {
  static override summary = 'Give every owner of a key all that is known of it.'
  static override description =
    'All copies and hints within reach are merged, and each owner that lacks any of that is sent the whole. It merges what it is sent, so no newer write is taken back, and the command may be repeated. Exit code 8 where an owner could not be mended.'
  static override examples = [
    { description: 'Mend the copies of a key:', command: '<%= config.bin %> key repair greeting' },
    {
      description: 'And see which were mended:',
      command: '<%= config.bin %> key repair greeting --json',
    },
  ]
  static override args = { key: argument('The key to mend.') }
  static override flags = { ...keyEncodingFlag }

  async run(): Promise<KeyRepairResult> {
    const { args, flags } = await this.parse(KeyRepair)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const result = await client.repair(key)
    if (!result.complete) process.exitCode = INCOMPLETE_EXIT
    if (!this.jsonEnabled()) this.show(result)
    return result
  }

  private show({ versions, mended, sound, failed, unseen }: KeyRepairResult): void {
    if (mended.length > 0) this.print(`mended: ${mended.join(', ')}`)
    if (sound.length > 0) this.print(`sound already: ${sound.join(', ')}`)
    for (const { id, why } of failed) this.print(`not mended: ${id}, ${why}`)
    if (versions.length === 0) this.note('no node in reach holds anything of this key')
    if (unseen.length > 0)
      this.note(`not asked: ${unseen.join(', ')}; what they alone hold is not in what was mended`)
  }
}
