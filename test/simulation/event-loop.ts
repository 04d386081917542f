import type { Prng } from './prng.ts'

/** Captured before the bans of a simulation replace it. */
const realSetImmediate = setImmediate

/** Events between two turns of Node's own loop. Microtasks are drained after each event all the same. */
const TURN = 64

export interface ScheduledEvent {
  cancel(): void
}

class Event implements ScheduledEvent {
  readonly time: number
  readonly tie: number
  readonly sequence: number
  run: (() => void) | undefined

  constructor(time: number, tie: number, sequence: number, run: () => void) {
    this.time = time
    this.tie = tie
    this.sequence = sequence
    this.run = run
  }

  cancel(): void {
    this.run = undefined
  }
}

function before(a: Event, b: Event): boolean {
  if (a.time !== b.time) return a.time < b.time
  if (a.tie !== b.tie) return a.tie < b.tie
  return a.sequence < b.sequence
}

/**
 * Virtual time, in whole microseconds. Events run one at a time, in order of time; those of the same
 * microsecond in an order that the seed draws. All microtasks of an event run before the next event.
 */
export class EventLoop {
  /** Virtual microseconds since the simulation began. */
  now = 0
  /** Events run so far. */
  ran = 0
  private readonly heap: Event[] = []
  private readonly prng: Prng
  private sequence = 0

  constructor(components: { prng: Prng }) {
    this.prng = components.prng
  }

  /** Runs `run` after `delay` microseconds, at the earliest after the present event. */
  after(delay: number, run: () => void): ScheduledEvent {
    const time = this.now + Math.max(0, Math.round(delay))
    const event = new Event(time, this.prng.u32(), this.sequence++, run)
    this.push(event)
    return event
  }

  /** Events that wait, cancelled ones included. */
  get waiting(): number {
    return this.heap.length
  }

  /**
   * Runs events up to and including the virtual time `end`, or until `done` says so after an event.
   * Rejects with whatever an event throws.
   */
  run(end: number, done: () => boolean = () => false): Promise<void> {
    return new Promise((resolve, reject) => {
      let queued = 0
      let finished = false
      const finish = () => {
        finished = true
        if (this.now < end && !done()) this.now = end
      }
      const turn = () => {
        queued--
        try {
          if (!finished && (done() || !this.step(end))) finish()
        } catch (thrown) {
          finished = true
          reject(thrown)
        }
        if (queued > 0) return
        if (finished) resolve()
        else fill()
      }
      // Node drains the microtasks between two immediates of one queue, without a pass through its loop.
      const fill = () => {
        queued = TURN
        for (let count = 0; count < TURN; count++) realSetImmediate(turn)
      }
      fill()
    })
  }

  private step(end: number): boolean {
    for (;;) {
      const first = this.heap[0]
      if (first === undefined || first.time > end) return false
      this.pop()
      const run = first.run
      if (run === undefined) continue
      first.run = undefined
      this.now = first.time
      this.ran++
      run()
      return true
    }
  }

  private push(event: Event): void {
    const heap = this.heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as Event
      if (!before(event, above)) break
      heap[at] = above
      at = parent
    }
    heap[at] = event
  }

  private pop(): void {
    const heap = this.heap
    const last = heap.pop() as Event
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Event, heap[child] as Event)) child++
      if (!before(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
  }
}
