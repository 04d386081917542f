import { Flags } from '@oclif/core'
import { KvCommand } from '../base-command.ts'
import { changeContexts } from '../change-contexts.ts'
import { DEFAULT_RING, ringInUse, ringNamed } from '../local-ring/find-ring.ts'
import { isUp } from '../local-ring/ring-state.ts'
import { stopRing } from '../local-ring/stop-ring.ts'

interface DownResult {
  cluster: string
  /** Nodes that ran and were stopped. */
  stopped: string[]
  wiped: boolean
}

export default class Down extends KvCommand {
  static override summary = 'Stop a ring that kv up has started.'
  static override description =
    'Nodes finish what they are doing; one that is still there after 15 seconds is killed. The data stay, and kv up goes on with them. A ring that does not run is no error.'
  static override examples = [
    { description: 'Stop it:', command: '<%= config.bin %> down' },
    {
      description: 'Stop one of several, and remove its data:',
      command: '<%= config.bin %> down --name merging --wipe',
    },
  ]
  static override flags = {
    name: Flags.string({ summary: 'Name of the ring; the one in use if left out.' }),
    wipe: Flags.boolean({ summary: 'Remove its data, logs and secret as well.' }),
  }

  async run(): Promise<DownResult> {
    const { flags } = await this.parse(Down)
    const place = { env: process.env, root: this.config.root }
    const inUse = flags.name === undefined ? await ringInUse(flags, place) : undefined
    const ring = inUse ?? ringNamed(flags.name ?? DEFAULT_RING, place)
    const stopped: string[] = []
    if (ring.state() !== undefined) {
      await ring.exclusively(async () => {
        const state = ring.state()
        if (state === undefined) return
        stopped.push(...state.nodes.filter(isUp).map((node) => node.id))
        await stopRing(ring, state)
        if (!flags.wipe) return
        ring.wipe(state)
        await changeContexts(process.env, (contexts) => contexts.remove(ring.name))
      })
    }
    const how = flags.wipe ? 'its data are removed' : 'its data are kept'
    this.note(
      stopped.length > 0
        ? `the ring "${ring.name}" has stopped; ${how}`
        : `the ring "${ring.name}" does not run; ${how}`,
    )
    return { cluster: ring.name, stopped, wiped: flags.wipe }
  }
}
