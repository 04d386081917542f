import { Args } from '@oclif/core'
import { parseDuration } from '../../../shared/duration.ts'
import { ChaosCommand } from '../../chaos/chaos-command.ts'
import { RingFaults } from '../../chaos/ring-faults.ts'
import { onInterrupt } from '../../interrupt.ts'
import type { LocalRingResult } from '../../local-ring/local-ring.ts'
import { chooseNodes, restartNodes } from '../../local-ring/node-control.ts'
import { httpOf, type RingState } from '../../local-ring/ring-state.ts'

const DEFAULT_PATIENCE_MS = 60_000
const ANSWER_MS = 5_000

export default class ChaosRestart extends ChaosCommand {
  static override summary = 'Start nodes again that were killed, or stop and start those that run.'
  static override description =
    'With the data and the ports that they had; waits until they are ready. Only for rings that kv up has started.'
  static override examples = [
    { description: 'Start a killed node again:', command: '<%= config.bin %> chaos restart n2' },
    { description: 'Restart two:', command: '<%= config.bin %> chaos restart n4 n5 --json' },
  ]
  static override strict = false
  static override args = {
    node: Args.string({ description: 'Names of nodes.', required: true, ignoreStdin: true }),
  }
  static override usage = 'chaos restart NODE...'

  async run(): Promise<Pick<LocalRingResult, 'nodes'>> {
    const { argv, flags } = await this.parse(ChaosRestart)
    const ring = await this.localRing(flags)
    const patienceMs =
      flags.timeout === undefined ? DEFAULT_PATIENCE_MS : parseDuration(flags.timeout, '--timeout')
    const interruption = new AbortController()
    onInterrupt(() => interruption.abort())
    try {
      return await ring.exclusively(async () => {
        const chosen = chooseNodes(ring.expectState(), argv.map(String))
        const state = await restartNodes(ring, chosen, { patienceMs, signal: interruption.signal })
        const ids = new Set(chosen.map((node) => node.id))
        await this.tell(state, ids)
        for (const id of ids) this.note(`${id} is running again`)
        return { nodes: ring.describe(state).nodes.filter((node) => ids.has(node.id)) }
      })
    } catch (thrown) {
      if (interruption.signal.aborted) this.exit(130)
      throw thrown
    }
  }

  /** A node that has just started knows nothing of the faults that are in force. */
  private async tell(state: RingState, ids: ReadonlySet<string>): Promise<void> {
    const nodes = state.nodes
      .filter((node) => ids.has(node.id))
      .map((node) => ({ id: node.id, http: httpOf(node), up: true }))
    const faults = new RingFaults(nodes, ANSWER_MS)
    for (const rule of state.faults) if (rule.untilMs > Date.now()) await faults.add(rule)
  }
}
