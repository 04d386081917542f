import type { Clock } from '../ports/clock.ts'

export interface TokenBucketSettings {
  readonly perSecond: number
  /** What may come at once after a quiet time. */
  readonly burst: number
}

/** Limits how often something happens. */
export class TokenBucket {
  private readonly clock: Clock
  private readonly settings: TokenBucketSettings
  private tokens: number
  private filledMs: number

  constructor(clock: Clock, settings: TokenBucketSettings) {
    this.clock = clock
    this.settings = settings
    this.tokens = settings.burst
    this.filledMs = clock.monotonicMs()
  }

  /** @returns whether it may happen now. */
  take(): boolean {
    const now = this.clock.monotonicMs()
    const { perSecond, burst } = this.settings
    this.tokens = Math.min(burst, this.tokens + ((now - this.filledMs) * perSecond) / 1000)
    this.filledMs = now
    if (this.tokens < 1) return false
    this.tokens--
    return true
  }
}
