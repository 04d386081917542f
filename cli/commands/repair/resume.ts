import type { RepairStatus } from '../../../shared/api.ts'
import { renderRepair } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class RepairResume extends RepairCommand {
  static override summary = 'Go on with comparing and mending.'
  static override description = 'Where kv repair pause has stopped it.'
  static override examples = [
    { description: 'The whole ring:', command: '<%= config.bin %> repair resume' },
    { description: 'One node:', command: '<%= config.bin %> repair resume --node n1' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<RepairStatus>> {
    const { flags } = await this.parse(RepairResume)
    const result = await this.askNodes(flags, (node) => node.orderRepair('resume'))
    if (!this.jsonEnabled()) this.print(renderRepair(result.nodes, Date.now()))
    return result
  }
}
