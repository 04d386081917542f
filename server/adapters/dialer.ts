import type { Clock, Timer } from '../ports/clock.ts'
import type { Address } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'

export interface DialerSettings {
  readonly firstBackoffMs: number
  readonly maxBackoffMs: number
}

export interface DialerComponents {
  readonly clock: Clock
  readonly random: Random
  /** Begins one attempt and calls back once, later; @returns what gives it up. */
  readonly attempt: (address: Address, done: (linked: boolean) => void) => () => void
}

/** Dials one peer until there is a link, with exponential backoff and jitter. */
export class Dialer {
  address: Address
  private readonly components: DialerComponents
  private readonly settings: DialerSettings
  private failures = 0
  private linkedMs: number | undefined
  private timer: Timer | undefined
  private giveUp: (() => void) | undefined
  private stopped = false

  constructor(components: DialerComponents, settings: DialerSettings, address: Address) {
    this.components = components
    this.settings = settings
    this.address = address
  }

  /** Dials, unless an attempt is under way or waits for its time. */
  dial(): void {
    if (this.stopped || this.timer !== undefined) return
    if (this.giveUp !== undefined || this.linkedMs !== undefined) return
    let done = false
    const giveUp = this.components.attempt(this.address, (linked) => {
      done = true
      this.giveUp = undefined
      if (linked || this.linkedMs !== undefined) return
      this.failures++
      this.wait()
    })
    if (!done) this.giveUp = giveUp
  }

  /** The peer listens elsewhere now. */
  redirect(address: Address): void {
    this.address = address
    this.giveUp?.()
    this.failures = 0
    this.timer?.cancel()
    this.timer = undefined
    this.dial()
  }

  /** There is a link, whoever dialed it. An attempt that is under way goes on: the peer may count on it. */
  linked(): void {
    this.linkedMs = this.components.clock.monotonicMs()
    this.timer?.cancel()
    this.timer = undefined
  }

  /** There is none any more. Links that last only for a moment do not make the next one come sooner. */
  lost(): void {
    if (this.linkedMs === undefined) return
    const lastedMs = this.components.clock.monotonicMs() - this.linkedMs
    this.linkedMs = undefined
    this.failures = lastedMs >= this.settings.maxBackoffMs ? 0 : this.failures + 1
    if (this.giveUp === undefined) this.wait()
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.giveUp?.()
    this.giveUp = undefined
  }

  private wait(): void {
    if (this.stopped) return
    const { firstBackoffMs, maxBackoffMs } = this.settings
    const backoffMs = Math.min(maxBackoffMs, firstBackoffMs * 2 ** Math.min(this.failures, 20))
    // Half of it at random, so that two nodes that lost each other do not dial in step.
    const waitMs = backoffMs / 2 + this.components.random.below(Math.ceil(backoffMs / 2) + 1)
    this.timer = this.components.clock.after(waitMs, () => {
      this.timer = undefined
      this.dial()
    })
  }
}
