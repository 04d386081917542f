import type { RepairStatus } from '../../shared/api.ts'
import { SLOTS } from '../../shared/slot.ts'

/** What a comparison has brought. */
export interface Brought {
  readonly keysRepaired: number
  readonly bytesExchanged: number
}

/** What the comparisons with one peer have brought. */
export class PeerProgress {
  comparedAtMs = 0
  slotsDiffering = 0
  /** Slots that were found different and are not mended yet. */
  outstanding: ReadonlySet<number> = new Set()
  /** Of the last comparison; '' where there was none. */
  error = ''
  private keysRepaired = 0
  private bytesExchanged = 0

  add({ keysRepaired, bytesExchanged }: Brought): void {
    this.keysRepaired += keysRepaired
    this.bytesExchanged += bytesExchanged
  }

  /** `underWay`: of the comparison that has not ended, and so was not added. */
  report(underWay: Brought | undefined): Omit<RepairStatus['peers'][number], 'id'> {
    return {
      comparedAtMs: this.comparedAtMs,
      slotsDiffering: this.slotsDiffering,
      slotsOutstanding: this.outstanding.size,
      keysRepaired: this.keysRepaired + (underWay?.keysRepaired ?? 0),
      bytesExchanged: this.bytesExchanged + (underWay?.bytesExchanged ?? 0),
      error: this.error,
    }
  }
}

/**
 * How many slots are outstanding with one peer or another. Told to the peers with every heartbeat, so it is counted
 * without making the set of them, of which there may be thousands.
 */
export function slotsOutstanding(all: Iterable<PeerProgress>): number {
  const counted = new Uint8Array(SLOTS)
  let count = 0
  for (const { outstanding } of all)
    for (const slot of outstanding) {
      if (counted[slot] === 0) count++
      counted[slot] = 1
    }
  return count
}
