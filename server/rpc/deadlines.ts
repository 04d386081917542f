import type { Clock, Timer } from '../ports/clock.ts'

/** Deadlines are met to within one tick, milliseconds. */
export const TICK_MS = 20

/** Something that must have happened by a certain time. It waits in one wheel at a time, and once only. */
export abstract class Deadline {
  /** It has passed, or need not be met any more. */
  declare settled: boolean
  /** Neighbours of the same tick, while it waits. */
  declare next: Deadline | undefined
  declare previous: Deadline | undefined

  // Every request makes several. V8 takes seven times as long to define fields that many subclasses share as it takes
  // to assign them.
  constructor() {
    this.settled = false
    this.next = undefined
    this.previous = undefined
  }

  /** Called once when it passes, unless it was settled before. */
  abstract expire(): void

  /**
   * Leaves the wheel at once: what is nearly always settled long before it is due must not be kept in memory until
   * then, together with the whole request that it belongs to.
   */
  settle(): void {
    this.settled = true
    if (this.next === undefined || this.previous === undefined) return
    this.previous.next = this.next
    this.next.previous = this.previous
    this.next = undefined
    this.previous = undefined
  }
}

/** A deadline that calls `late` when it passes. */
export class Alarm extends Deadline {
  private readonly late: () => void

  constructor(late: () => void) {
    super()
    this.late = late
  }

  expire(): void {
    this.late()
  }
}

/** The deadlines of one tick, in the order in which they were added: a ring that begins and ends here. */
class Tick extends Deadline {
  override next: Deadline = this
  override previous: Deadline = this

  expire(): void {}

  get isEmpty(): boolean {
    return this.next === this
  }

  append(deadline: Deadline): void {
    deadline.previous = this.previous
    deadline.next = this
    this.previous.next = deadline
    this.previous = deadline
  }

  expireAll(): void {
    while (!this.isEmpty) {
      const first = this.next
      first.settle()
      first.expire()
    }
  }
}

/**
 * One timer for all deadlines: a wheel of ticks (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
 * 1987, scheme 5). Adding and settling cost the same however many there are.
 */
export class Deadlines {
  private readonly clock: Clock
  private readonly ticks = new Map<number, Tick>()
  private timer: Timer | undefined
  private timerTick = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  add(afterMs: number, deadline: Deadline): void {
    if (deadline.settled) return
    const number = Math.ceil((this.clock.monotonicMs() + afterMs) / TICK_MS)
    let tick = this.ticks.get(number)
    if (tick === undefined) {
      tick = new Tick()
      this.ticks.set(number, tick)
    }
    tick.append(deadline)
    if (this.timer === undefined || number < this.timerTick) this.wakeAt(number)
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
    for (const number of this.ticks.keys()) if (number <= now) due.push(number)
    due.sort((a, b) => a - b)
    for (const number of due) {
      const tick = this.ticks.get(number)
      this.ticks.delete(number)
      tick?.expireAll()
    }
    this.wakeForNext()
  }

  private wakeForNext(): void {
    let next = Number.POSITIVE_INFINITY
    for (const [number, tick] of this.ticks) {
      if (tick.isEmpty) this.ticks.delete(number)
      else if (number < next) next = number
    }
    if (next !== Number.POSITIVE_INFINITY && (this.timer === undefined || next < this.timerTick))
      this.wakeAt(next)
  }
}
