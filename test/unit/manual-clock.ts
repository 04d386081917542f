import type { Clock, Timer } from '../../server/ports/clock.ts'

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  private nowMs = 0
  private next = 0
  private readonly timers = new Map<number, { atMs: number; fn: () => void }>()

  wallMs(): number {
    return 1_700_000_000_000 + this.nowMs
  }

  monotonicMs(): number {
    return this.nowMs
  }

  after(ms: number, fn: () => void): Timer {
    const id = this.next++
    this.timers.set(id, { atMs: this.nowMs + ms, fn })
    return { cancel: () => this.timers.delete(id) }
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.size
  }

  /** Time in which the process did not run: what was due meanwhile fires late, and once. */
  jump(ms: number): void {
    this.nowMs += ms
    this.advance(0)
  }

  /** Fires what is due on the way, in order of time and, at the same time, of its setting. */
  advance(ms: number): void {
    const endMs = this.nowMs + ms
    for (;;) {
      const due = [...this.timers].filter(([, { atMs }]) => atMs <= endMs)
      const first = due.sort(([a, x], [b, y]) => x.atMs - y.atMs || a - b)[0]
      if (first === undefined) break
      const [id, { atMs, fn }] = first
      this.timers.delete(id)
      this.nowMs = Math.max(this.nowMs, atMs)
      fn()
    }
    this.nowMs = endMs
  }
}
