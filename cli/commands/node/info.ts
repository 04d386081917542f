import type { HealthResult, HintsStatus, NodeStatus } from '../../../shared/api.ts'
import { argument, KvCommand } from '../../base-command.ts'
import { addressesOf, askEvery } from '../../every-node.ts'
import { ringInUse } from '../../local-ring/find-ring.ts'
import { unknownNode } from '../../local-ring/node-control.ts'
import { isUp } from '../../local-ring/ring-state.ts'
import { formatNodeInfo } from '../../render/node-info.ts'

export interface NodeInfoResult extends NodeStatus {
  /** Whether the node itself answered; without, what follows is not known. */
  reachable: boolean
  ready?: boolean
  /** Why it is not ready, or not reachable; "" where it is both. */
  reason: string
  /** What it keeps for owners that are out of reach. */
  hints?: HintsStatus['hints']
  /** Of a ring that kv up has started here. */
  pid?: number
  dataDir?: string
  log?: string
}

export default class NodeInfo extends KvCommand {
  static override summary = 'Show everything about one node.'
  static override description =
    'How the ring sees it and, where it can be reached, what it says itself: whether it is ready, and which hints it keeps for others.'
  static override examples = [
    { description: 'One node:', command: '<%= config.bin %> node info n2' },
    { description: 'For a script:', command: '<%= config.bin %> node info n2 --json' },
  ]
  static override args = { id: argument('Name of the node.') }

  async run(): Promise<NodeInfoResult> {
    const { args, flags } = await this.parse(NodeInfo)
    const { timeoutMs } = await this.settings(flags)
    const client = await this.connect(flags)
    const nodes = await client.nodes()
    const known = nodes.find((node) => node.id === args.id)
    if (!known)
      throw unknownNode(
        args.id,
        nodes.map((node) => node.id),
      )
    const { answers, failures } = await askEvery(addressesOf([known]), timeoutMs, async (node) => ({
      health: await node.health(),
      hints: await node.hints(),
    }))
    const ring = await ringInUse(flags, { env: process.env, root: this.config.root })
    const local = ring?.state()?.nodes.find((node) => node.id === args.id && isUp(node))
    const result: NodeInfoResult = {
      ...known,
      ...self(answers.get(known.id), failures.get(known.id)?.message ?? ''),
      ...(local?.process ? { pid: local.process.pid, dataDir: local.dataDir, log: local.logFile } : {}),
    }
    if (!this.jsonEnabled()) this.print(formatNodeInfo(result))
    return result
  }
}

function self(
  answer: { health: HealthResult; hints: HintsStatus } | undefined,
  failure: string,
): Pick<NodeInfoResult, 'reachable' | 'ready' | 'reason' | 'hints'> {
  if (!answer) return { reachable: false, reason: failure }
  const { health, hints } = answer
  return { reachable: true, ready: health.ready, reason: health.reason, hints: hints.hints }
}
