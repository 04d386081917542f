import { formatDuration } from './duration.ts'

/** How far an import is, at one moment. */
export interface ImportSnapshot {
  readonly read: number
  readonly failed: number
  readonly bytesRead: number
  /** Undefined for a stream, whose end is not known. */
  readonly bytesTotal: number | undefined
  readonly elapsedMs: number
}

/** `12,345 records · 15,000/s · 43% · 12s left · 3 failed` */
export function importLine(at: ImportSnapshot): string {
  const perSecond = at.elapsedMs > 0 ? Math.round((at.read / at.elapsedMs) * 1000) : 0
  const parts = [`${grouped(at.read)} records`, `${grouped(perSecond)}/s`]
  const share = importShare(at)
  if (share !== undefined) {
    parts.push(`${Math.floor(share * 100)}%`)
    if (share > 0 && share < 1) parts.push(`${formatDuration((at.elapsedMs / share) * (1 - share))} left`)
  }
  if (at.failed > 0) parts.push(`${grouped(at.failed)} failed`)
  return parts.join(' · ')
}

/** From 0 to 1; undefined where the end is not known. */
export function importShare(at: ImportSnapshot): number | undefined {
  return at.bytesTotal ? Math.min(1, at.bytesRead / at.bytesTotal) : undefined
}

/** 1234567 as 1,234,567. */
export function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}
