import type { ChalkInstance } from 'chalk'
import type { NodeState, NodeStatus, RingStatus } from '../../shared/api.ts'
import { grouped } from './import-progress.ts'
import { formatBytes, formatShare } from './quantity.ts'
import { renderTable } from './table.ts'

/** What is wrong, and on which node, comes first; then the ring, then its nodes. */
export function renderRingStatus(status: RingStatus, colour: ChalkInstance): string {
  return [headline(status, colour), settings(status), '', nodeTable(status.nodes, colour)].join('\n')
}

function headline(status: RingStatus, colour: ChalkInstance): string {
  const { health, reason, nodes, n } = status
  if (health === 'critical') return colour.red(`critical: ${reason}`)
  if (health === 'degraded') return colour.yellow(`degraded: ${reason}`)
  // A node that was found and is no member is no part of what is well.
  const members = nodes.filter(({ state }) => state !== 'joining').length
  const all = members === 1 ? 'the one node is up' : `all ${members} nodes are up`
  const copies = n === 1 ? 'every key has its one copy' : `every key has its ${n} copies`
  // A node that is away from a ring whose keys it does not own leaves it healthy.
  return colour.green(`ok: ${reason === '' ? `${all}, and ${copies}` : reason}`)
}

function settings({ cluster, layoutVersion, n, r, w, conflicts, slots }: RingStatus): string {
  const numbers = `n ${n}, r ${r}, w ${w}, ${grouped(slots)} slots`
  return `ring ${cluster}, layout ${layoutVersion}, ${numbers}, conflicts ${conflicts}`
}

/** One line for each node. */
export function nodeTable(nodes: readonly NodeStatus[], colour: ChalkInstance): string {
  const differing = nodes.some((node) => node.divergentSlots > 0)
  const filling = nodes.some((node) => node.unfilledSlots > 0)
  const heads = ['NODE', 'STATE', 'HTTP', 'ZONE', 'OWNS', 'KEYS', 'SIZE', 'HINTS HELD']
  if (differing) heads.push('DIFFERING SLOTS')
  if (filling) heads.push('SLOTS TO FILL')
  const rows = nodes.map((node) => [
    node.id,
    paint(node.state, colour),
    node.http === '' ? '-' : node.http,
    node.zone,
    formatShare(node.ownership),
    grouped(node.keys),
    formatBytes(node.bytes),
    grouped(node.hintsHeld),
    ...(differing ? [grouped(node.divergentSlots)] : []),
    ...(filling ? [grouped(node.unfilledSlots)] : []),
  ])
  return renderTable(heads, rows, [4, 5, 6, 7, 8, 9])
}

export function paint(state: NodeState, colour: ChalkInstance): string {
  if (state === 'up') return colour.green(state)
  return state === 'down' ? colour.red(state) : colour.yellow(state)
}
