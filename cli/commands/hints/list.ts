import type { HintsStatus } from '../../../shared/api.ts'
import { KvCommand } from '../../base-command.ts'
import { addressesOf, expectAnswers, surveyEvery } from '../../every-node.ts'
import { formatDuration } from '../../render/duration.ts'
import { grouped } from '../../render/import-progress.ts'
import { formatBytes } from '../../render/quantity.ts'
import { renderTable } from '../../render/table.ts'

interface HintsResult extends Pick<HintsStatus, 'hints'> {
  /** Slots that wait for anti-entropy, because a hint for them was refused, given up or lost. */
  marked: { node: string; slots: number }[]
  /** Nodes that were not reached: what they hold is not in the list. */
  unreachable: string[]
}

export default class HintsList extends KvCommand {
  static override summary = 'List the writes that wait for owners that were out of reach.'
  static override description =
    'A node that takes a write for an owner that is down keeps a hint, and delivers it when the owner is back. Every node is asked for the hints that it holds.'
  static override examples = [
    { description: 'Is anything waiting?', command: '<%= config.bin %> hints list' },
    { description: 'For a script:', command: '<%= config.bin %> hints list --json' },
  ]

  async run(): Promise<HintsResult> {
    const { flags } = await this.parse(HintsList)
    const { timeoutMs } = await this.settings(flags)
    const client = await this.connect(flags)
    const nodes = addressesOf(await client.nodes())
    const { answers, failures } = await surveyEvery(nodes, timeoutMs, (node) => node.hints())
    expectAnswers({ answers, failures })
    const result = {
      hints: nodes.flatMap(({ id }) => answers.get(id)?.hints ?? []),
      marked: nodes
        .map(({ id }) => ({ node: id, slots: answers.get(id)?.markedSlots ?? 0 }))
        .filter(({ slots }) => slots > 0),
      unreachable: [...failures.keys()],
    }
    if (!this.jsonEnabled()) this.show(result)
    return result
  }

  private show({ hints, marked, unreachable }: HintsResult): void {
    if (unreachable.length > 0)
      this.note(`not reached: ${unreachable.join(', ')}; what they hold is not shown`)
    for (const { node, slots } of marked)
      this.note(`${node}: ${slots} slots wait for anti-entropy, as hints for them could not be kept`)
    if (hints.length === 0) return this.print('no hints are waiting')
    const rows = hints.map(({ holder, target, count, bytes, oldestMs }) => [
      holder,
      target,
      grouped(count),
      formatBytes(bytes),
      formatDuration(oldestMs),
    ])
    this.print(renderTable(['HELD BY', 'FOR', 'HINTS', 'SIZE', 'OLDEST'], rows, [2, 3, 4]))
  }
}
