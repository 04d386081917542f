import { Flags } from '@oclif/core'
import type { HintsReplayed } from '../../../shared/api.ts'
import { KvCommand } from '../../base-command.ts'
import { addressesOf, askEvery, expectAnswers } from '../../every-node.ts'
import { unknownNode } from '../../local-ring/node-control.ts'
import { colours } from '../../render/colour.ts'
import { grouped } from '../../render/import-progress.ts'
import { renderTable } from '../../render/table.ts'

interface ReplayResult extends HintsReplayed {
  /** Nodes that were not reached: what they hold is not sent. */
  unreachable: string[]
}

export default class HintsReplay extends KvCommand {
  static override summary = 'Have hints delivered now.'
  static override description =
    'Every node sends the hints that it holds to their owners at once, rather than in its next round. Those whose owner is out of reach stay where they are. The command does not wait until all are delivered: kv hints list shows what is left.'
  static override examples = [
    { description: 'Deliver whatever can be delivered:', command: '<%= config.bin %> hints replay' },
    {
      description: 'Only what waits for one node:',
      command: '<%= config.bin %> hints replay --node n3 --json',
    },
  ]
  static override flags = {
    node: Flags.string({ summary: 'Deliver only the hints for this node.', helpValue: 'ID' }),
  }

  async run(): Promise<ReplayResult> {
    const { flags } = await this.parse(HintsReplay)
    const { timeoutMs } = await this.settings(flags)
    const client = await this.connect(flags)
    const nodes = addressesOf(await client.nodes())
    const ids = nodes.map(({ id }) => id)
    if (flags.node !== undefined && !ids.includes(flags.node)) throw unknownNode(flags.node, ids)
    const { answers, failures } = await askEvery(nodes, timeoutMs, (node) => node.replayHints(flags.node))
    expectAnswers({ answers, failures })
    const hints = ids.flatMap((id) => answers.get(id)?.hints ?? [])
    const result = { hints, unreachable: [...failures.keys()] }
    if (!this.jsonEnabled()) this.show(result)
    return result
  }

  private show({ hints, unreachable }: ReplayResult): void {
    if (unreachable.length > 0)
      this.note(`not reached: ${unreachable.join(', ')}; what they hold is not sent`)
    if (hints.length === 0) return this.print('no hints are waiting')
    const colour = colours()
    const rows = hints.map(({ holder, target, count, sending }) => [
      holder,
      target,
      grouped(count),
      sending ? colour.green('being sent') : colour.yellow(`${target} is out of reach`),
    ])
    this.print(renderTable(['HELD BY', 'FOR', 'HINTS', ''], rows, [2]))
  }
}
