import { KvError } from '../../shared/errors.ts'

/** Records a second, as a token bucket that holds a tenth of a second's worth. */
export class RateLimit {
  private readonly perMs: number
  private readonly capacity: number
  private readonly monotonicMs: () => number
  private tokens: number
  private atMs: number

  constructor(perSecond: number, monotonicMs: () => number) {
    this.perMs = perSecond / 1000
    this.capacity = Math.max(1, perSecond / 10)
    this.monotonicMs = monotonicMs
    this.tokens = this.capacity
    this.atMs = monotonicMs()
  }

  /** Takes one token. @returns milliseconds to wait before going on; 0 is none. */
  take(): number {
    const nowMs = this.monotonicMs()
    this.tokens = Math.min(this.capacity, this.tokens + (nowMs - this.atMs) * this.perMs) - 1
    this.atMs = nowMs
    return this.tokens >= 0 ? 0 : -this.tokens / this.perMs
  }
}

/** `500/s` or `500`. @throws KvError `usage` */
export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(text)
  const rate = match ? Number(match[1]) : 0
  if (!(rate > 0 && Number.isFinite(rate)))
    throw new KvError('usage', `"${text}" is not a rate`, 'write it as 500/s')
  return rate
}

/** How many records may fail before an import stops. */
export interface ErrorLimit {
  /** @param atEnd whether all records have been read: only then does a share of few records count. */
  exceeded(errors: number, read: number, atEnd: boolean): boolean
}

/** A share says nothing before as many records have been read. */
const LEAST_SAMPLE = 1000

/** `10` tolerates ten failed records, `2%` as many of those that were read. @throws KvError `usage` */
export function parseErrorLimit(text: string): ErrorLimit {
  const match = /^(\d+)$|^(\d+(?:\.\d+)?)%$/.exec(text)
  if (match?.[1] !== undefined) {
    const most = Number(match[1])
    return { exceeded: (errors) => errors > most }
  }
  const share = Number(match?.[2] ?? Number.NaN) / 100
  if (!(share >= 0 && share <= 1))
    throw new KvError('usage', `"${text}" is not a limit of errors`, 'write it as 100 or 2%')
  return { exceeded: (errors, read, atEnd) => (atEnd || read >= LEAST_SAMPLE) && errors > share * read }
}
