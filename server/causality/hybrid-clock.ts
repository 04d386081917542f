import type { Clock } from '../ports/clock.ts'
import { compareStamps, NO_STAMP, type Stamp } from './stamp.ts'

const MAX_LOGICAL = 0xffff_ffff

export interface HybridClockSettings {
  /** A stamp further ahead of this node's wall clock than this is refused. */
  readonly maxSkewMs: number
}

/**
 * A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014): stamps that rise strictly, stay
 * near wall time, and are above every stamp observed before them.
 *
 * So that stamps rise over restarts too, whatever the wall clock does meanwhile, they run only below a
 * ceiling that has been made durable ahead: raise it before the wall clock gets there, and above
 * `last().wallMs` when a stamp was observed from beyond it. After a restart `recover` from the ceiling.
 */
export class HybridClock {
  private readonly clock: Pick<Clock, 'wallMs'>
  private readonly maxSkewMs: number
  private ceilingMs = 0
  private latest: Stamp = NO_STAMP
  private trusted: () => boolean = () => true

  constructor(clock: Pick<Clock, 'wallMs'>, settings: HybridClockSettings) {
    this.clock = clock
    this.maxSkewMs = settings.maxSkewMs
  }

  /**
   * While `trusted` says no, stamps follow those before them and not the wall clock: one that stood far ahead for a
   * moment would leave stamps behind that no peer takes for as long as it was ahead.
   */
  heed(trusted: () => boolean): void {
    this.trusted = trusted
  }

  /** The wall clock, where it can be trusted now. */
  physicalMs(): number | undefined {
    return this.trusted() ? this.clock.wallMs() : undefined
  }

  /**
   * Stamps may run up to, but not reach, this wall time: call it once the reservation is durable.
   * A ceiling below the present one is ignored.
   */
  raiseCeiling(wallMs: number): void {
    if (wallMs > this.ceilingMs) this.ceilingMs = wallMs
  }

  /** A stamp above every one given out or observed before. */
  now(): Stamp {
    const last = this.latest
    const wallMs = Math.min(this.physicalMs() ?? last.wallMs, this.ceilingMs - 1)
    if (wallMs > last.wallMs) this.latest = { wallMs, logical: 0 }
    else if (last.logical < MAX_LOGICAL) this.latest = { wallMs: last.wallMs, logical: last.logical + 1 }
    else this.latest = { wallMs: last.wallMs + 1, logical: 0 }
    return this.latest
  }

  /**
   * Takes note of another node's stamp: all that follow here will be above it.
   * @returns false, with nothing changed, when it is further ahead of the wall clock than the skew allows.
   */
  observe(stamp: Stamp): boolean {
    if (stamp.wallMs > this.clock.wallMs() + this.maxSkewMs) return false
    this.recover(stamp)
    return true
  }

  /** The time by which values expire: the wall clock's where it can be trusted, but never before the last stamp's. */
  wallMs(): number {
    return Math.max(this.latest.wallMs, this.physicalMs() ?? 0)
  }

  /** The highest stamp given out or observed. */
  last(): Stamp {
    return this.latest
  }

  /** Every stamp from now on is above `stamp`, which is this node's own from before a restart: no skew check. */
  recover(stamp: Stamp): void {
    if (compareStamps(stamp, this.latest) > 0) this.latest = { wallMs: stamp.wallMs, logical: stamp.logical }
  }
}
