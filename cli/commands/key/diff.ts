import { Flags } from '@oclif/core'
import { ERRORS } from '../../../shared/errors.ts'
import type { KeyReport } from '../../../shared/key-report.ts'
import { argument, KvCommand, keyEncodingFlag, typedKey } from '../../base-command.ts'
import { colours } from '../../render/colour.ts'
import { renderKeyDifference } from '../../render/key-difference.ts'

/** An owner that does not hold all that is known of the key, or of which that is not known. */
type OwnerDifference = Pick<KeyReport['nodes'][number], 'id' | 'answered' | 'problem' | 'difference'>

interface DiffResult extends Pick<KeyReport, 'key' | 'keyEncoding' | 'slot' | 'same'> {
  owners: OwnerDifference[]
}

export default class KeyDiff extends KvCommand {
  static override summary = 'Show which owners of a key differ, and in what.'
  static override description =
    'Every owner is compared with all copies and hints merged. An owner that could not be asked is named, and the owners then do not count as the same. The exit code is 0 either way, unless --exit-code is given.'
  static override examples = [
    { description: 'Do the owners agree?', command: '<%= config.bin %> key diff greeting' },
    {
      description: 'In a script, by the exit code:',
      command: '<%= config.bin %> key diff greeting --exit-code && echo the same',
    },
  ]
  static override args = { key: argument('The key to compare.') }
  static override flags = {
    'exit-code': Flags.boolean({ summary: 'Exit with 4 unless all owners were asked and hold the same.' }),
    ...keyEncodingFlag,
  }

  async run(): Promise<DiffResult> {
    const { args, flags } = await this.parse(KeyDiff)
    const typed = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const report = await client.explain(typed)
    if (!this.jsonEnabled()) this.print(renderKeyDifference(report, colours()))
    if (flags['exit-code'] && !report.same) process.exitCode = ERRORS.conflict.exit
    const { key, keyEncoding, slot, same, nodes } = report
    const owners = nodes
      .filter(
        ({ role, answered, problem, difference }) => role === 'owner' && (!answered || problem || difference),
      )
      .map(({ id, answered, problem, difference }) => ({
        id,
        answered,
        problem,
        ...(difference && { difference }),
      }))
    return { key, ...(keyEncoding && { keyEncoding }), slot, same, owners }
  }
}
