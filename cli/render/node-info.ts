import type { NodeInfoResult } from '../commands/node/info.ts'
import { formatDuration } from './duration.ts'
import { grouped } from './import-progress.ts'
import { formatBytes, formatShare } from './quantity.ts'
import { renderTable } from './table.ts'

/** Name and value, one a line. */
export function formatNodeInfo(node: NodeInfoResult): string {
  const rows: [string, string][] = [
    ['node', node.id],
    ['state', node.state],
    ['ready', node.reachable ? (node.ready ? 'yes' : `no: ${node.reason}`) : `not known: ${node.reason}`],
    ['http', node.http],
    ['zone', node.zone],
    ['owns', `${formatShare(node.ownership)} of all slots`],
    ['keys', grouped(node.keys)],
    ['size', formatBytes(node.bytes)],
    ['hints held', grouped(node.hintsHeld)],
    ...(node.hints ?? []).map((hint): [string, string] => [
      `  for ${hint.target}`,
      `${grouped(hint.count)}, the oldest ${formatDuration(hint.oldestMs)} old`,
    ]),
    ...slotsIn('differing', node.divergentSlots),
    ...slotsIn('to be filled', node.unfilledSlots),
    ['incarnation', node.incarnation],
  ]
  if (node.pid !== undefined) rows.push(['process', String(node.pid)])
  if (node.dataDir !== undefined) rows.push(['data', node.dataDir])
  if (node.log !== undefined) rows.push(['log', node.log])
  const [head, ...rest] = rows
  return renderTable(head as [string, string], rest)
}

function slotsIn(state: string, count: number): [string, string][] {
  return count > 0 ? [[state, `${grouped(count)} ${count === 1 ? 'slot' : 'slots'}`]] : []
}
