import { Args } from '@oclif/core'
import { ChaosCommand } from '../../chaos/chaos-command.ts'
import { chooseNodes, killNodes } from '../../local-ring/node-control.ts'
import { isUp } from '../../local-ring/ring-state.ts'

interface KillResult {
  nodes: { id: string; pid: number | null; killed: boolean }[]
}

export default class ChaosKill extends ChaosCommand {
  static override summary = 'Kill nodes without warning (SIGKILL).'
  static override description =
    'As a crash would: nothing is finished or written any more. Only for rings that kv up has started. A node that does not run is no error.'
  static override examples = [
    { description: 'Kill one:', command: '<%= config.bin %> chaos kill n2' },
    { description: 'Kill two at once:', command: '<%= config.bin %> chaos kill n4 n5 --json' },
  ]
  static override strict = false
  static override args = {
    node: Args.string({ description: 'Names of nodes.', required: true, ignoreStdin: true }),
  }
  static override usage = 'chaos kill NODE...'

  async run(): Promise<KillResult> {
    const { argv, flags } = await this.parse(ChaosKill)
    const ring = await this.localRing(flags)
    return ring.exclusively(async () => {
      const nodes = chooseNodes(ring.expectState(), argv.map(String))
      const killed = new Set(nodes.filter(isUp).map((node) => node.id))
      await killNodes(ring, nodes)
      for (const { id } of nodes)
        this.note(
          killed.has(id)
            ? `${id} is killed; to start it again: kv chaos restart ${id}`
            : `${id} does not run`,
        )
      return {
        nodes: nodes.map(({ id, process }) => ({ id, pid: process?.pid ?? null, killed: killed.has(id) })),
      }
    })
  }
}
