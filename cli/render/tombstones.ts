import type { TombstonesStatus } from '../../shared/api.ts'
import { grouped } from './import-progress.ts'
import { renderTable } from './table.ts'

/** What holds them up comes first; then one line for each node. */
export function renderTombstones(nodes: readonly TombstonesStatus[]): string {
  const heads = ['NODE', 'TOMBSTONES', 'EXPIRING', 'COLLECTED', 'SLOTS HELD UP', 'WAITING FOR']
  const rows = nodes.map((node) => [
    node.node,
    grouped(node.tombstones),
    grouped(node.expiring),
    grouped(node.collected),
    grouped(node.slotsHeldUp),
    node.waitingFor || '-',
  ])
  return [headline(nodes), '', renderTable(heads, rows, [1, 2, 3, 4])].join('\n')
}

function headline(nodes: readonly TombstonesStatus[]): string {
  if (nodes.every((node) => node.tombstones === 0)) return 'nothing that was deleted is remembered any more'
  const reasons = new Set(nodes.map((node) => node.waitingFor).filter(Boolean))
  if (reasons.size > 0) return `tombstones stay for now: ${[...reasons].join('; ')}`
  const heldUp = nodes.reduce((sum, node) => sum + node.slotsHeldUp, 0)
  if (heldUp > 0) return `${grouped(heldUp)} slots are held up: hints wait for them, or their owners differ`
  return 'tombstones are collected when they are old enough'
}
