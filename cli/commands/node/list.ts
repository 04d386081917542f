import type { NodeStatus } from '../../../shared/api.ts'
import { KvCommand } from '../../base-command.ts'
import { colours } from '../../render/colour.ts'
import { nodeTable } from '../../render/ring-status.ts'

export default class NodeList extends KvCommand {
  static override summary = 'List the nodes of the ring.'
  static override description = 'As the node that answers sees them.'
  static override examples = [
    { description: 'All nodes:', command: '<%= config.bin %> node list' },
    { description: 'For a script:', command: '<%= config.bin %> node list --json' },
  ]

  async run(): Promise<{ nodes: NodeStatus[] }> {
    const { flags } = await this.parse(NodeList)
    const client = await this.connect(flags)
    const nodes = await client.nodes()
    if (!this.jsonEnabled()) this.print(nodeTable(nodes, colours()))
    return { nodes }
  }
}
