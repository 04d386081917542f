import type { ScrubStatus } from '../../../shared/api.ts'
import { renderScrub } from '../../render/repair-status.ts'
import { type NodeAnswers, nodeFlag, RepairCommand } from '../../repair/repair-command.ts'

export default class ScrubStatusCommand extends RepairCommand {
  static override summary = 'Show how far the nodes are with checking their records.'
  static override description = 'What each node has checked since it was started, and what it has found.'
  static override examples = [
    { description: 'Was anything damaged?', command: '<%= config.bin %> scrub status' },
    { description: 'For a script:', command: '<%= config.bin %> scrub status --json' },
  ]
  static override flags = { ...nodeFlag }

  async run(): Promise<NodeAnswers<ScrubStatus>> {
    const { flags } = await this.parse(ScrubStatusCommand)
    const result = await this.askNodes(flags, (node) => node.scrub())
    if (!this.jsonEnabled()) this.print(renderScrub(result.nodes, Date.now()))
    return result
  }
}
