import type { Beacon } from './beacon.ts'

/** Senders remembered; only those who know the secret get an entry, and the oldest make room. */
const MAX_SENDERS = 2048

export type Admission = 'fresh' | 'replayed' | 'skewed'

/**
 * Refuses beacons that have been heard before. A beacon is fresh when its time is within the allowed skew of
 * this node's wall clock, and its (time, sequence) is above the last accepted one of the same id and
 * incarnation. A sender whose clock steps back by less than the skew is therefore unheard for at most twice
 * the skew; heartbeats do not depend on it.
 */
export class ReplayGuard {
  private readonly maxSkewMs: number
  private readonly last = new Map<string, { wallMs: number; sequence: number }>()

  constructor(settings: { maxSkewMs: number }) {
    this.maxSkewMs = settings.maxSkewMs
  }

  admit(beacon: Beacon, wallMs: number): Admission {
    if (Math.abs(beacon.wallMs - wallMs) > this.maxSkewMs) return 'skewed'
    const sender = `${beacon.id}\0${beacon.incarnation}`
    const last = this.last.get(sender)
    if (last !== undefined && !isAfter(beacon, last)) return 'replayed'
    // Set anew, so that the map's order is that of the last beacons.
    this.last.delete(sender)
    this.last.set(sender, { wallMs: beacon.wallMs, sequence: beacon.sequence })
    if (this.last.size > MAX_SENDERS) {
      const oldest = this.last.keys().next()
      if (!oldest.done) this.last.delete(oldest.value)
    }
    return 'fresh'
  }
}

function isAfter(beacon: Beacon, last: { wallMs: number; sequence: number }): boolean {
  return beacon.wallMs > last.wallMs || (beacon.wallMs === last.wallMs && beacon.sequence > last.sequence)
}
