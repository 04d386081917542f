import type { Clock, Timer } from '../../server/ports/clock.ts'
import type { EventLoop } from './event-loop.ts'
import type { SimulatedProcess } from './process.ts'

/** 2026-01-01T00:00:00Z: where the wall clocks of a simulation begin. */
export const EPOCH_MS = 1_767_225_600_000

/** The clock of one machine: it outlives the processes. */
export class MachineTime {
  /** How far the wall clock is ahead of virtual time, milliseconds; whoever changes it sets the clock. */
  offsetMs: number
  private readonly loop: EventLoop
  /** Parts per million by which the machine's seconds are too short. */
  private ppm: number
  /** What `ticks` was when the rate changed last, and when that was. */
  private base = 0
  private since = 0

  constructor(components: { loop: EventLoop }, settings: { offsetMs: number; driftPpm: number }) {
    this.loop = components.loop
    this.offsetMs = settings.offsetMs
    this.ppm = settings.driftPpm
  }

  /** Microseconds by this machine's oscillator since the simulation began. */
  ticks(): number {
    return this.base + (this.loop.now - this.since) * (1 + this.ppm / 1e6)
  }

  get driftPpm(): number {
    return this.ppm
  }

  /** From now on. */
  setDrift(ppm: number): void {
    this.base = this.ticks()
    this.since = this.loop.now
    this.ppm = ppm
  }

  wallMs(): number {
    return Math.floor(EPOCH_MS + this.offsetMs + this.ticks() / 1000)
  }
}

/** The Clock port of one process on a machine. */
export class VirtualClock implements Clock {
  private readonly loop: EventLoop
  private readonly machine: MachineTime
  private readonly process: SimulatedProcess
  private readonly startedAt: number

  constructor(components: { loop: EventLoop; machine: MachineTime; process: SimulatedProcess }) {
    this.loop = components.loop
    this.machine = components.machine
    this.process = components.process
    this.startedAt = components.machine.ticks()
  }

  wallMs(): number {
    return this.machine.wallMs()
  }

  /** From zero at the start of each process, as `performance.now` has it. */
  monotonicMs(): number {
    return (this.machine.ticks() - this.startedAt) / 1000
  }

  after(ms: number, fn: () => void): Timer {
    if (!(ms >= 0)) throw new RangeError(`a timer of ${ms} ms`)
    const micros = Math.ceil((ms * 1000) / (1 + this.machine.driftPpm / 1e6))
    let cancelled = false
    const event = this.loop.after(micros, () =>
      // Asked again when it runs: a paused process may cancel a timer that is already due.
      this.process.run(() => {
        if (!cancelled) fn()
      }),
    )
    return {
      cancel: () => {
        cancelled = true
        event.cancel()
      },
    }
  }
}

/** Virtual time itself as a Clock port, for what stands outside the nodes. */
export function trueClock(loop: EventLoop): Clock {
  return {
    wallMs: () => Math.floor(EPOCH_MS + loop.now / 1000),
    monotonicMs: () => loop.now / 1000,
    after: (ms, fn) => loop.after(ms * 1000, fn),
  }
}
