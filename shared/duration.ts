import { KvError } from './errors.ts'

const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Whole milliseconds: `500ms`, `1.5s`, `10m`, `2h`, `7d`; a bare number is milliseconds.
 * @throws KvError `usage` naming `what` for anything else, and for zero.
 */
export function parseDuration(text: string, what: string): number {
  const parts = /^(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)?$/.exec(text)
  const ms = parts === null ? 0 : Math.round(Number(parts[1]) * (UNITS.get(parts[2] ?? 'ms') as number))
  if (ms < 1 || !Number.isSafeInteger(ms)) {
    throw new KvError(
      'usage',
      `${what} is not a duration: ${text}`,
      'write for example 500ms, 30s, 10m, 2h or 7d',
    )
  }
  return ms
}
