import type { Clock, Timer } from '../ports/clock.ts'

/** Node.js takes a longer delay for none at all. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** One delay. Node.js counts it from when its loop last looked at the clock, so it may come early: then it waits on. */
class Delay implements Timer {
  private readonly dueMs: number
  private readonly fn: () => void
  private readonly waiting: Set<Delay>
  private timeout: NodeJS.Timeout

  constructor(ms: number, fn: () => void, waiting: Set<Delay>) {
    this.dueMs = performance.now() + ms
    this.fn = fn
    this.waiting = waiting
    this.timeout = this.wait(ms)
    waiting.add(this)
  }

  cancel(): void {
    clearTimeout(this.timeout)
    this.waiting.delete(this)
  }

  private wait(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.look(), Math.min(Math.ceil(ms), MAX_DELAY_MS))
  }

  private look(): void {
    const leftMs = this.dueMs - performance.now()
    if (leftMs > 0) this.timeout = this.wait(leftMs)
    else {
      this.waiting.delete(this)
      this.fn()
    }
  }
}

/**
 * The machine's clocks. The deadlines of requests, of which there are thousands, share one timer elsewhere; what
 * comes here is so little that a wheel, whose every tick wakes the process, costs far more than a timer for each.
 */
export class SystemClock implements Clock {
  private readonly waiting = new Set<Delay>()

  wallMs(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  after(ms: number, fn: () => void): Timer {
    if (ms > 0) return new Delay(ms, fn, this.waiting)
    const immediate = setImmediate(fn)
    return { cancel: () => clearImmediate(immediate) }
  }

  /** Nothing that waits is called any more. */
  close(): void {
    for (const delay of [...this.waiting]) delay.cancel()
  }
}
