import type { RepairStatus } from '../../../shared/api.ts'
import { renderRepair } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class RepairStatusCommand extends RepairCommand {
  static override summary = 'Show how far the nodes are with comparing their copies.'
  static override description =
    'Every node compares its data with that of the other owners, one after the other, for ever, and mends what differs. Shown is what each node has found, asked for itself.'
  static override examples = [
    { description: 'Do the copies agree?', command: '<%= config.bin %> repair status' },
    { description: 'For a script:', command: '<%= config.bin %> repair status --json' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<RepairStatus>> {
    const { flags } = await this.parse(RepairStatusCommand)
    const result = await this.askNodes(flags, (node) => node.repair())
    if (!this.jsonEnabled()) this.print(renderRepair(result.nodes, Date.now()))
    return result
  }
}
