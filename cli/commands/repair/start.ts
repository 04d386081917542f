import type { RepairStatus } from '../../../shared/api.ts'
import { renderRepair } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class RepairStart extends RepairCommand {
  static override summary = 'Compare the copies of all keys now.'
  static override description =
    'Every node compares its data with that of every peer within reach, without waiting for its schedule, and mends what differs. It goes on in the background: see kv repair status.'
  static override examples = [
    { description: 'Everything:', command: '<%= config.bin %> repair start' },
    { description: 'What one node holds:', command: '<%= config.bin %> repair start --node n1' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<RepairStatus>> {
    const { flags } = await this.parse(RepairStart)
    const result = await this.askNodes(flags, (node) => node.orderRepair('start'))
    if (!this.jsonEnabled()) this.print(renderRepair(result.nodes, Date.now()))
    return result
  }
}
