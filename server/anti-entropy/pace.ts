import type { Clock, Timer } from '../ports/clock.ts'

/** Work that takes so many times as long as when it has to wait for nothing waits behind something else. */
const BUSY = 4
/** A difference that is smaller than this is none, milliseconds. */
const GRAIN_MS = 2
/** How long it takes when it has to wait for nothing is the least of the last one or two such spans, milliseconds. */
const MEMORY_MS = 60_000
/** After so long without any, work begins gently again, milliseconds. */
const QUIET_MS = 5_000
/** Between two changes of the rate, milliseconds. */
const ADJUST_MS = 100
const BACK_OFF = 1 / 2
/** Of the full rate. */
const RECOVER = 1 / 32

export interface PaceSettings {
  /** Units in a second where nothing has to wait. */
  readonly perSecond: number
  /** What is left to work that always finds others before it, and what it begins with: it must get done all the same. */
  readonly atLeast: number
}

/**
 * Lets so many units of work pass in a second, evenly: whoever asks waits until its turn. What was not used is not
 * saved up. Work that it sees done yields to others: it goes on slower while it has to wait, here or with a peer,
 * and faster again while it is done promptly (by delay as in LEDBAT, RFC 6817; additive increase and multiplicative
 * decrease after Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance", 1989).
 */
export class Pace {
  private readonly clock: Clock
  private readonly perSecond: number
  /** Of the full rate. */
  private readonly leastShare: number
  private readonly waiting = new Set<Timer>()
  private nextMs = 0
  private share = 1
  /** Since the rate was last changed. */
  private seen = { pieces: 0, ms: 0 }
  private adjustedMs: number
  private seenMs = Number.NEGATIVE_INFINITY
  /** The shortest pieces of this span and of the one before (the base delay of LEDBAT, section 3.4.2). */
  private shortest = { ms: Number.POSITIVE_INFINITY, before: Number.POSITIVE_INFINITY, sinceMs: 0 }

  constructor(components: { clock: Clock }, settings: PaceSettings) {
    this.clock = components.clock
    this.perSecond = settings.perSecond
    this.leastShare = Math.min(1, settings.atLeast / settings.perSecond)
    this.adjustedMs = this.clock.monotonicMs()
  }

  /** Units that pass in a second now. */
  get rate(): number {
    return this.perSecond * this.share
  }

  /** Resolves when `units` of work may be done; never once it has been stopped. */
  async take(units: number): Promise<void> {
    const nowMs = this.clock.monotonicMs()
    const startMs = Math.max(nowMs, this.nextMs)
    this.nextMs = startMs + (units * 1000) / this.rate
    if (startMs > nowMs) await this.rest(startMs - nowMs)
  }

  /** Does a piece of the work, and minds how long it takes. */
  async observe<T>(work: () => Promise<T>): Promise<T> {
    const beganMs = this.clock.monotonicMs()
    if (beganMs - this.seenMs > QUIET_MS) this.share = this.leastShare
    this.seenMs = beganMs
    try {
      return await work()
    } finally {
      this.adjust(this.clock.monotonicMs(), beganMs)
    }
  }

  rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(ms, () => {
        this.waiting.delete(timer)
        resolve()
      })
      this.waiting.add(timer)
    })
  }

  stop(): void {
    for (const timer of this.waiting) timer.cancel()
    this.waiting.clear()
  }

  private adjust(nowMs: number, beganMs: number): void {
    this.seen.pieces++
    this.seen.ms += nowMs - beganMs
    const limitMs = Math.max(GRAIN_MS, BUSY * this.leastMs(nowMs, nowMs - beganMs))
    if (nowMs - this.adjustedMs < ADJUST_MS) return
    const busy = this.seen.ms > limitMs * this.seen.pieces
    this.share = busy ? Math.max(this.leastShare, this.share * BACK_OFF) : Math.min(1, this.share + RECOVER)
    this.seen = { pieces: 0, ms: 0 }
    this.adjustedMs = nowMs
  }

  private leastMs(nowMs: number, ms: number): number {
    const { shortest } = this
    if (nowMs - shortest.sinceMs > MEMORY_MS) {
      shortest.before = shortest.ms
      shortest.ms = ms
      shortest.sinceMs = nowMs
    }
    shortest.ms = Math.min(shortest.ms, ms)
    return Math.min(shortest.ms, shortest.before)
  }
}
