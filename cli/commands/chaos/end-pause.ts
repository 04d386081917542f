import { Flags } from '@oclif/core'
import { argument } from '../../base-command.ts'
import { ChaosCommand } from '../../chaos/chaos-command.ts'
import { awaitPauseEnd } from '../../chaos/pause-end.ts'
import { ringNamed } from '../../local-ring/find-ring.ts'

/** Time for `kv chaos pause` to write down the pause that it has started this for. */
const STARTING_MS = 10_000

export default class ChaosEndPause extends ChaosCommand {
  static override hidden = true
  static override summary = 'Wait until a pause is over, and continue its nodes.'
  static override description = 'kv chaos pause starts it in the background; nobody need type it.'
  static override args = { id: argument('Of the pause.') }
  static override flags = { name: Flags.string({ summary: 'Name of the ring.', required: true }) }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ChaosEndPause)
    await awaitPauseEnd(ringNamed(flags.name, this.place), args.id, STARTING_MS)
  }
}
