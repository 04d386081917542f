import { KvError } from './errors.ts'

const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

const PART = /(\d{1,15}(?:\.\d{1,6})?)(ms|s|m|h|d)/g
const WHOLE = /^(?:\d{1,15}|(?:\d{1,15}(?:\.\d{1,6})?(?:ms|s|m|h|d))+)$/

/**
 * Whole milliseconds: `500ms`, `1.5s`, `10m`, `1h30m`, `7d`; a bare number is milliseconds.
 * @throws KvError `usage` naming `what` for anything else, and for zero.
 */
export function parseDuration(text: string, what: string): number {
  let ms = 0
  if (/^\d+$/.test(text)) ms = Number(text)
  else
    for (const [, number, unit] of text.matchAll(PART))
      ms += Number(number) * (UNITS.get(unit as string) as number)
  ms = Math.round(ms)
  if (!WHOLE.test(text) || ms < 1 || !Number.isSafeInteger(ms)) {
    throw new KvError(
      'usage',
      `${what} is not a duration: ${text}`,
      'write for example 500ms, 30s, 10m, 1h30m or 7d',
    )
  }
  return ms
}
