import { Flags } from '@oclif/core'
import type { DeleteResult } from '../../shared/api.ts'
import { argument, countFlag, KvCommand, keyEncodingFlag, typedKey } from '../base-command.ts'

export default class Del extends KvCommand {
  static override summary = 'Delete a key.'
  static override description = 'Deleting a key that is not there is no error.'
  static override examples = [
    { description: 'Delete a key:', command: '<%= config.bin %> del greeting' },
    {
      description: 'Delete it on all three owners, and see whether it was there:',
      command: '<%= config.bin %> del greeting --w 3 --json',
    },
  ]
  static override args = { key: argument('The key to delete.') }
  static override flags = {
    w: countFlag('Replicas that must hold the deletion durably.'),
    'context-token': Flags.string({
      summary: 'The "context" of a get: deletes only the versions that it returned.',
      helpValue: 'T',
    }),
    strict: Flags.boolean({
      summary: 'Refuse rather than let a substitute stand in for an unreachable owner.',
    }),
    ...keyEncodingFlag,
  }

  async run(): Promise<DeleteResult> {
    const { args, flags } = await this.parse(Del)
    const key = typedKey(args.key, flags['key-encoding'])
    const client = await this.connect(flags)
    const result = await client.del(key, {
      w: flags.w,
      context: flags['context-token'],
      strict: flags.strict || undefined,
    })
    this.note(result.existed === false ? 'ok, there was no such key' : 'ok, deleted')
    return result
  }
}
