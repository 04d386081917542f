import { KvError } from '../shared/errors.ts'

const UNITS = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** `10m`, `1h30m`, `500ms`, `1.5s` as whole milliseconds. @throws KvError `usage` */
export function parseDuration(text: string): number {
  let total = 0
  let rest = text.trim()
  while (rest !== '') {
    const part = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)/.exec(rest)
    if (!part) throw notADuration(text)
    total += Number(part[1]) * (UNITS.get(part[2] as string) as number)
    rest = rest.slice(part[0].length)
  }
  const ms = Math.round(total)
  if (ms < 1 || !Number.isSafeInteger(ms)) throw notADuration(text)
  return ms
}

function notADuration(text: string): KvError {
  return new KvError('usage', `"${text}" is not a duration`, 'write it as 500ms, 30s, 10m, 1h30m or 7d')
}

/** Milliseconds for people: `0.4s`, `12s`, `3m05s`, `2h04m`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)}s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const pad = (n: number): string => String(n).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${pad(seconds % 60)}s`
  return `${Math.floor(seconds / 3600)}h${pad(Math.floor((seconds % 3600) / 60))}m`
}
