import type { TombstonesStatus } from '../../../shared/api.ts'
import { renderTombstones } from '../../render/tombstones.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class TombstonesStats extends RepairCommand {
  static override summary = 'Show what was deleted and is still remembered, and what that waits for.'
  static override description =
    'A deleted key leaves a tombstone, so that no copy of it comes back. It goes when every owner has it and nothing for its slot waits anywhere: so while a node is away, tombstones stay.'
  static override examples = [
    { description: 'Why do deleted keys still take room?', command: '<%= config.bin %> tombstones stats' },
    { description: 'For a script:', command: '<%= config.bin %> tombstones stats --json' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<TombstonesStatus>> {
    const { flags } = await this.parse(TombstonesStats)
    const result = await this.askNodes(flags, (node) => node.tombstones())
    if (!this.jsonEnabled()) this.print(renderTombstones(result.nodes))
    return result
  }
}
