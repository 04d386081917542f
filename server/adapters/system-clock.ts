import type { Clock, Timer } from '../ports/clock.ts'

/** Delays from here on are kept in the wheel; shorter ones get a timer of their own. */
const COARSE_MS = 32
const TICK_MS = 8
/** One turn of the wheel takes 4 s; longer delays stay in their slot for several turns. */
const SLOTS = 512

/** A delay that waits in the wheel, linked with its neighbours so that cancelling costs nothing. */
class WheelTimer implements Timer {
  next: WheelTimer = this
  previous: WheelTimer = this
  readonly tick: number
  private readonly fn: () => void

  constructor(tick: number, fn: () => void) {
    this.tick = tick
    this.fn = fn
  }

  cancel(): void {
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = this
    this.previous = this
  }

  fire(): void {
    this.cancel()
    this.fn()
  }
}

/**
 * The machine's clocks. Deadlines, of which each request sets some and nearly all are cancelled, share one
 * timer: a hashed wheel (Varghese and Lauck, 1987). They fire up to 16 ms late, never early.
 */
export class SystemClock implements Clock {
  private readonly slots = Array.from({ length: SLOTS }, () => new WheelTimer(0, () => undefined))
  private readonly startMs = performance.now()
  /** Ticks whose slot has been emptied. */
  private done = 0
  private ticking: NodeJS.Timeout | undefined

  wallMs(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  after(ms: number, fn: () => void): Timer {
    if (ms <= 0) {
      const immediate = setImmediate(fn)
      return { cancel: () => clearImmediate(immediate) }
    }
    return ms < COARSE_MS ? this.fine(ms, fn) : this.enqueue(ms, fn)
  }

  /** Node counts a delay from when its loop last looked at the clock, so a timer may come early: then it waits on. */
  private fine(ms: number, fn: () => void): Timer {
    const dueMs = performance.now() + ms
    let timer: NodeJS.Timeout
    const wait = (leftMs: number) => {
      timer = setTimeout(() => {
        const stillMs = dueMs - performance.now()
        if (stillMs > 0) wait(stillMs)
        else fn()
      }, Math.ceil(leftMs))
    }
    wait(ms)
    return { cancel: () => clearTimeout(timer) }
  }

  /** Stops the wheel: nothing that waits in it fires any more. */
  close(): void {
    clearInterval(this.ticking)
    this.ticking = undefined
  }

  private enqueue(ms: number, fn: () => void): Timer {
    this.ticking ??= setInterval(() => this.turn(), TICK_MS)
    const timer = new WheelTimer(Math.ceil((performance.now() - this.startMs + ms) / TICK_MS), fn)
    const head = this.slots[timer.tick % SLOTS] as WheelTimer
    timer.previous = head.previous
    timer.next = head
    head.previous.next = timer
    head.previous = timer
    return timer
  }

  private turn(): void {
    const now = Math.floor((performance.now() - this.startMs) / TICK_MS)
    // After a long pause of the process, one turn visits every slot.
    const from = Math.max(this.done + 1, now - SLOTS + 1)
    this.done = now
    for (let tick = from; tick <= now; tick++) this.fireSlot(tick % SLOTS, now)
  }

  private fireSlot(slot: number, now: number): void {
    const head = this.slots[slot] as WheelTimer
    const due: WheelTimer[] = []
    for (let timer = head.next; timer !== head; timer = timer.next) if (timer.tick <= now) due.push(timer)
    // One that was cancelled by an earlier one of the same slot is no longer linked.
    for (const timer of due) if (timer.next !== timer) timer.fire()
  }
}
