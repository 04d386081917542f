import type { RepairStatus, ScrubStatus } from '../../shared/api.ts'
import { formatDuration } from './duration.ts'
import { grouped } from './import-progress.ts'
import { formatBytes, formatShare } from './quantity.ts'
import { renderTable } from './table.ts'

/** What differs comes first; then one line for each node. */
export function renderRepair(nodes: readonly RepairStatus[], nowMs: number): string {
  const heads = ['NODE', 'STATE', 'ROUNDS', 'LAST ROUND', 'COMPARED', 'DIFFERING', 'REPAIRED', 'EXCHANGED']
  const rows = nodes.map((node) => [
    node.node,
    node.state,
    grouped(node.rounds),
    node.rounds === 0 ? '-' : formatDuration(node.lastRoundMs),
    oldestComparison(node, nowMs),
    node.divergentSlots === 0 ? '0' : `${grouped(node.divergentSlots)} slots`,
    `${grouped(sum(node, (peer) => peer.keysRepaired))} keys`,
    formatBytes(sum(node, (peer) => peer.bytesExchanged)),
  ])
  return [repairHeadline(nodes), '', renderTable(heads, rows, [2, 3, 4, 5, 6, 7])].join('\n')
}

function repairHeadline(nodes: readonly RepairStatus[]): string {
  const differing = nodes.filter((node) => node.divergentSlots > 0).map((node) => node.node)
  const paused = nodes.filter((node) => node.state === 'paused').map((node) => node.node)
  const parts: string[] = []
  if (differing.length > 0) parts.push(`copies differ on ${differing.join(', ')}`)
  if (paused.length > 0) parts.push(`repair is paused on ${paused.join(', ')}: kv repair resume`)
  const unknown = nodes.filter((node) => node.rounds === 0 && node.peers.length > 0).map((node) => node.node)
  if (unknown.length > 0) parts.push(`not yet compared with all peers since the start: ${unknown.join(', ')}`)
  return parts.length > 0 ? parts.join('; ') : 'no difference is known between the copies'
}

/** How long ago the peer was compared with whose turn is longest past. */
function oldestComparison({ peers }: RepairStatus, nowMs: number): string {
  const oldest = Math.min(...peers.map((peer) => peer.comparedAtMs))
  if (!Number.isFinite(oldest)) return '-'
  if (oldest === 0) return 'not all'
  return `${formatDuration(Math.max(0, nowMs - oldest))} ago`
}

function sum({ peers }: RepairStatus, of: (peer: RepairStatus['peers'][number]) => number): number {
  return peers.reduce((total, peer) => total + of(peer), 0)
}

/** One line for each node. */
export function renderScrub(nodes: readonly ScrubStatus[], nowMs: number): string {
  const heads = ['NODE', 'STATE', 'CHECKED', 'LAST FINISHED', 'RECORDS', 'DAMAGED', 'DIGESTS MENDED']
  const rows = nodes.map((node) => [
    node.node,
    node.state,
    formatShare(node.slotsChecked / node.slots),
    node.finishedAtMs === 0 ? 'never' : `${formatDuration(Math.max(0, nowMs - node.finishedAtMs))} ago`,
    grouped(node.recordsChecked),
    grouped(node.recordsDamaged),
    grouped(node.slotsRebuilt),
  ])
  return renderTable(heads, rows, [2, 3, 4, 5, 6])
}
