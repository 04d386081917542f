import type { Clock, Timer } from '../ports/clock.ts'

/** Deadlines are met to within one tick, milliseconds. */
export const TICK_MS = 20

export interface Deadline {
  /** Called once when it passes, unless `settled` is true by then. */
  expire(): void
  settled: boolean
}

/**
 * One timer for all deadlines: a wheel of ticks (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
 * 1987, scheme 5). Settling costs nothing: a settled deadline is passed over when its tick comes.
 */
export class Deadlines {
  private readonly clock: Clock
  private readonly ticks = new Map<number, Deadline[]>()
  private timer: Timer | undefined
  private timerTick = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  add(afterMs: number, deadline: Deadline): void {
    const tick = Math.ceil((this.clock.monotonicMs() + afterMs) / TICK_MS)
    const entries = this.ticks.get(tick)
    if (entries === undefined) this.ticks.set(tick, [deadline])
    else entries.push(deadline)
    if (this.timer === undefined || tick < this.timerTick) this.wakeAt(tick)
  }

  /** Forgets them all without calling any. */
  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
    this.ticks.clear()
  }

  private wakeAt(tick: number): void {
    this.timer?.cancel()
    this.timerTick = tick
    const ms = Math.max(0, tick * TICK_MS - this.clock.monotonicMs())
    this.timer = this.clock.after(ms, () => this.turn())
  }

  private turn(): void {
    this.timer = undefined
    const now = Math.floor(this.clock.monotonicMs() / TICK_MS)
    const due: number[] = []
    for (const tick of this.ticks.keys()) if (tick <= now) due.push(tick)
    due.sort((a, b) => a - b)
    for (const tick of due) {
      const entries = this.ticks.get(tick) ?? []
      this.ticks.delete(tick)
      for (const entry of entries) {
        if (entry.settled) continue
        entry.settled = true
        entry.expire()
      }
    }
    this.wakeForNext()
  }

  private wakeForNext(): void {
    let next = Number.POSITIVE_INFINITY
    for (const [tick, entries] of this.ticks) {
      if (tick >= next) continue
      if (entries.some((entry) => !entry.settled)) next = tick
      else this.ticks.delete(tick)
    }
    if (next !== Number.POSITIVE_INFINITY && (this.timer === undefined || next < this.timerTick))
      this.wakeAt(next)
  }
}
