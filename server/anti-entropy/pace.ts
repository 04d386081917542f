import type { Clock, Timer } from '../ports/clock.ts'

/**
 * Lets so many units of work pass in a second, evenly: whoever asks waits until its turn. What was not used is not
 * saved up.
 */
export class Pace {
  private readonly clock: Clock
  private readonly perSecond: number
  private readonly waiting = new Set<Timer>()
  private nextMs = 0

  constructor(components: { clock: Clock }, settings: { perSecond: number }) {
    this.clock = components.clock
    this.perSecond = settings.perSecond
  }

  /** Resolves when `units` of work may be done; never once it has been stopped. */
  async take(units: number): Promise<void> {
    const nowMs = this.clock.monotonicMs()
    const startMs = Math.max(nowMs, this.nextMs)
    this.nextMs = startMs + (units * 1000) / this.perSecond
    if (startMs > nowMs) await this.rest(startMs - nowMs)
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
}
