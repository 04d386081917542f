import { Args } from '@oclif/core'
import { ChaosCommand, type FaultResult, faultId, forFlag } from '../../chaos/chaos-command.ts'
import { startPauseEnd } from '../../chaos/pause-end.ts'
import { chooseNodes, pauseNodes } from '../../local-ring/node-control.ts'

export default class ChaosPause extends ChaosCommand {
  static override summary = 'Stop nodes without ending them (SIGSTOP), for a while.'
  static override description =
    'They keep their connections and answer nothing, like a machine that hangs. Only for rings that kv up has started.'
  static override examples = [
    { description: 'For ten seconds:', command: '<%= config.bin %> chaos pause n2 --for 10s' },
    {
      description: 'Two, until kv chaos heal or ten minutes have passed:',
      command: '<%= config.bin %> chaos pause n1 n2',
    },
  ]
  static override strict = false
  static override args = {
    node: Args.string({ description: 'Names of nodes.', required: true, ignoreStdin: true }),
  }
  static override usage = 'chaos pause NODE...'
  static override flags = { ...forFlag }

  async run(): Promise<Omit<FaultResult, 'missed'>> {
    const { argv, flags } = await this.parse(ChaosPause)
    const untilMs = this.untilMs(flags.for)
    const ring = await this.localRing(flags)
    return ring.exclusively(async () => {
      const nodes = chooseNodes(ring.expectState(), argv.map(String))
      const pause = { id: faultId('pause'), nodes: nodes.map((node) => node.id), untilMs }
      startPauseEnd(this.config.root, ring, pause)
      pauseNodes(ring, nodes, pause)
      const until = new Date(untilMs).toISOString()
      this.note(`fault ${pause.id} until ${until}; sooner: kv chaos heal ${pause.id}`)
      return { id: pause.id, kind: 'pause', nodes: pause.nodes, until }
    })
  }
}
