import type { SiblingResult } from '../../shared/api.ts'
import { decodeBytes } from '../../shared/encoding.ts'
import { formatDuration } from './duration.ts'
import { formatTime } from './key-report.ts'
import { formatBytes } from './quantity.ts'
import { renderTable } from './table.ts'

const PREVIEW_CHARS = 40

/** The concurrent values of a key, the one that readers of a single value get first. */
export function renderSiblings(siblings: readonly SiblingResult[]): string {
  const expires = siblings.some(({ ttlMs }) => ttlMs !== undefined)
  const rows = siblings.map((sibling) => {
    const { version, node, time, ttlMs } = sibling
    const left = expires ? [ttlMs === undefined ? '-' : formatDuration(ttlMs)] : []
    return [version, node, formatTime(time), formatBytes(sizeOf(sibling)), ...left, preview(sibling)]
  })
  const heads = ['VERSION', 'WRITTEN BY', 'TIME', 'SIZE', ...(expires ? ['EXPIRES IN'] : []), 'VALUE']
  return renderTable(heads, rows, expires ? [3, 4] : [3])
}

export function sizeOf({ value, encoding }: Pick<SiblingResult, 'value' | 'encoding'>): number {
  return decodeBytes(value, encoding).length
}

/** The beginning of the value, on one line and with nothing in it that a terminal would act on. */
function preview({ value, encoding }: SiblingResult): string {
  if (encoding !== 'utf8') return `(base64) ${cut(value)}`
  return cut(
    JSON.stringify(value.slice(0, PREVIEW_CHARS + 1))
      .slice(1, -1)
      .replaceAll('\\"', '"'),
  )
}

function cut(text: string): string {
  const shown = text.replace(/[\u007f-\u009f\u2028\u2029]/g, '?')
  return shown.length > PREVIEW_CHARS ? `${shown.slice(0, PREVIEW_CHARS)}...` : shown
}
