import { setTimeout as sleep } from 'node:timers/promises'
import { Flags } from '@oclif/core'
import type { RingStatus } from '../../../shared/api.ts'
import type { KvClient } from '../../../shared/client/client.ts'
import { KvError, toKvError } from '../../../shared/errors.ts'
import { KvCommand } from '../../base-command.ts'
import { colours } from '../../render/colour.ts'
import { renderRingStatus } from '../../render/ring-status.ts'
import { Screen } from '../../render/screen.ts'

const LOOK_EVERY_MS = 1_000

export default class RingStatusCommand extends KvCommand {
  static override summary = 'Show how the ring is, and each of its nodes.'
  static override description =
    `The first line says what is wrong, and on which node. "degraded": some keys have fewer copies than they should, or hints wait to be delivered; everything can be read and written. "critical": for some keys too few owners are up.

It is the view of the node that answers; during a partition others may see something else.`
  static override examples = [
    { description: 'How is the ring?', command: '<%= config.bin %> ring status' },
    { description: 'For a script:', command: '<%= config.bin %> ring status --json' },
    { description: 'Watch it while you break things:', command: '<%= config.bin %> ring status --watch' },
  ]
  static override flags = {
    watch: Flags.boolean({ summary: 'Look every second, until Ctrl-C.' }),
  }

  async run(): Promise<RingStatus> {
    const { flags } = await this.parse(RingStatusCommand)
    const client = await this.connect(flags)
    if (flags.watch) return this.watch(client)
    const status = await client.status()
    if (!this.jsonEnabled()) this.print(renderRingStatus(status, colours()))
    return status
  }

  private async watch(client: KvClient): Promise<never> {
    if (!process.stdout.isTTY || this.jsonEnabled())
      throw new KvError('usage', '--watch needs a terminal', 'leave it out, and ask again when you need to')
    const screen = new Screen(process.stdout)
    for (;;) {
      const shown = await client.status().then(
        (status) => renderRingStatus(status, colours()),
        (thrown) => colours().red(`critical: ${toKvError(thrown).message}`),
      )
      screen.show(shown)
      await sleep(LOOK_EVERY_MS)
    }
  }
}
