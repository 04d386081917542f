import type { Clock, Timer } from '../ports/clock.ts'

export interface DelayLineSettings {
  readonly maxMessages: number
  readonly maxBytes: number
}

interface Held {
  readonly timer: Timer
  readonly bytes: number
}

/** Messages that are held back for a while; over its bounds, those held for longest are dropped. */
export class DelayLine {
  private readonly clock: Clock
  private readonly settings: DelayLineSettings
  private readonly held = new Map<number, Held>()
  private bytes = 0
  private next = 0

  constructor(clock: Clock, settings: DelayLineSettings) {
    this.clock = clock
    this.settings = settings
  }

  get size(): number {
    return this.held.size
  }

  /** Releases a copy of the message after `ms` milliseconds. */
  hold(message: Buffer, ms: number, release: (message: Buffer) => void): void {
    const copy = Buffer.from(message)
    const id = this.next++
    const timer = this.clock.after(ms, () => {
      this.drop(id)
      release(copy)
    })
    this.held.set(id, { timer, bytes: copy.length })
    this.bytes += copy.length
    for (const oldest of this.held.keys()) {
      if (this.held.size <= this.settings.maxMessages && this.bytes <= this.settings.maxBytes) break
      this.drop(oldest)
    }
  }

  /** Drops all. */
  clear(): void {
    for (const id of [...this.held.keys()]) this.drop(id)
  }

  private drop(id: number): void {
    const held = this.held.get(id)
    if (held === undefined) return
    held.timer.cancel()
    this.held.delete(id)
    this.bytes -= held.bytes
  }
}
