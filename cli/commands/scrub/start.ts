import type { ScrubStatus } from '../../../shared/api.ts'
import { renderScrub } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class ScrubStart extends RepairCommand {
  static override summary = 'Check every record on the disks now.'
  static override description =
    'Each node reads all of its data at a slow pace, checks every record against its checksum and the digests against the records, and gets from its peers what is damaged. It does so by itself once a day (--scrub-every-ms).'
  static override examples = [
    { description: 'All nodes:', command: '<%= config.bin %> scrub start' },
    { description: 'One node:', command: '<%= config.bin %> scrub start --node n1' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<ScrubStatus>> {
    const { flags } = await this.parse(ScrubStart)
    const result = await this.askNodes(flags, (node) => node.startScrub())
    if (!this.jsonEnabled()) this.print(renderScrub(result.nodes, Date.now()))
    return result
  }
}
