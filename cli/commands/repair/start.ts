import { Flags } from '@oclif/core'
import type { RepairStatus } from '../../../shared/api.ts'
import { SLOTS } from '../../../shared/slot.ts'
import { renderRepair } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class RepairStart extends RepairCommand {
  static override summary = 'Compare the copies of all keys now.'
  static override description =
    'Every node compares its data with that of every peer within reach, without waiting for its schedule, and mends what differs. It goes on in the background: see kv repair status.'
  static override examples = [
    { description: 'Everything:', command: '<%= config.bin %> repair start' },
    { description: 'What one node holds:', command: '<%= config.bin %> repair start --node n1' },
    { description: 'One slot, its records first:', command: '<%= config.bin %> repair start --slot 5798' },
  ]
  static override flags = {
    ...nodeFlag,
    slot: Flags.integer({
      summary: 'Check the records of this slot first; kv ring locate tells that of a key.',
      helpValue: 'N',
      min: 0,
      max: SLOTS - 1,
    }),
  }

  async run(): Promise<NodeAnswers<RepairStatus>> {
    const { flags } = await this.parse(RepairStart)
    const result = await this.askNodes(flags, (node) => node.orderRepair('start', flags.slot))
    if (!this.jsonEnabled()) this.print(renderRepair(result.nodes, Date.now()))
    return result
  }
}
