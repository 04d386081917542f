import type { RepairStatus } from '../../../shared/api.ts'
import { renderRepair } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class RepairPause extends RepairCommand {
  static override summary = 'Compare and mend no more for now.'
  static override description =
    'What is under way stops where it is; kv repair resume goes on there. A node that is started again is not paused.'
  static override examples = [
    { description: 'The whole ring:', command: '<%= config.bin %> repair pause' },
    { description: 'One node:', command: '<%= config.bin %> repair pause --node n1' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<RepairStatus>> {
    const { flags } = await this.parse(RepairPause)
    const result = await this.askNodes(flags, (node) => node.orderRepair('pause'))
    if (!this.jsonEnabled()) this.print(renderRepair(result.nodes, Date.now()))
    return result
  }
}
