import type { Clock } from '../ports/clock.ts'
import { TokenBucket, type TokenBucketSettings } from './token-bucket.ts'

export interface DatagramLimits {
  readonly perSource: TokenBucketSettings
  readonly total: TokenBucketSettings
}

/** Sources that are remembered; the one that came first is forgotten for a new one. */
const MAX_SOURCES = 1024

/** Bounds what is taken in of a flood, from one source and from all. */
export class DatagramLimiter {
  private readonly clock: Clock
  private readonly limits: DatagramLimits
  private readonly total: TokenBucket
  private readonly sources = new Map<string, TokenBucket>()

  constructor(clock: Clock, limits: DatagramLimits) {
    this.clock = clock
    this.limits = limits
    this.total = new TokenBucket(clock, limits.total)
  }

  /** @returns whether a datagram of the source may be taken in now. */
  admit(source: string): boolean {
    let bucket = this.sources.get(source)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.clock, this.limits.perSource)
      this.sources.set(source, bucket)
      for (const oldest of this.sources.keys()) {
        if (this.sources.size <= MAX_SOURCES) break
        this.sources.delete(oldest)
      }
    }
    // The source first, so that one that floods does not use up what is there for the others.
    return bucket.take() && this.total.take()
  }
}
