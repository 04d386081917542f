import type { Evidence, Violation } from '../evidence.ts'
import { acknowledgement, began, type ReadOp, type WriteOp } from '../history.ts'
import { describe } from './durability.ts'
import { inTime, type Supersession, supersessionOf } from './supersession.ts'

/**
 * Laws 3 and 5: a write that saw a version replaces it; under `lww` with quorums that meet, a write never loses to
 * one that was acknowledged before it began; and what was replaced or deleted does not come back.
 */
export function causality(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  for (const key of evidence.history.keys()) {
    const supersession = supersessionOf(evidence, key)
    if (evidence.conflicts === 'lww') violations.push(...ranks(key, supersession))
    for (const read of supersession.reads) {
      if (read.outcome !== 'ok') continue
      for (const value of read.values) {
        const shown = supersession.ofValue(value)
        if (shown === undefined) continue
        const newer = supersession
          .followers(shown)
          .find(
            (write) =>
              mustBeSeen(evidence, supersession, read, write) && !supersession.retries.forgotten(shown, read),
          )
        if (newer === undefined) continue
        const when = (read.invokedAt / 1e6).toFixed(3)
        const message = `${describe(shown)} was read at ${when} s from ${read.node}, after ${describe(newer)}`
        violations.push({ checker: 'causality', key, message })
      }
    }
  }
  return violations
}

/** Whether or not anybody has read it: under `lww`, who comes after for sure ranks above. */
function ranks(key: string, supersession: Supersession): Violation[] {
  const violations: Violation[] = []
  const replaced = new Set(supersession.writes.flatMap((write) => supersession.seen(write)))
  for (const earlier of supersession.writes) {
    // What somebody had seen and replaced may keep the higher rank: it is gone.
    if (replaced.has(earlier)) continue
    const later = supersession
      .followers(earlier)
      .find((write) => supersession.ranksBelow(write, earlier) && !overtaken(write, earlier, supersession))
    if (later === undefined) continue
    const message = `${describe(later)} ranks below ${describe(earlier)}`
    violations.push({ checker: 'causality', key, message })
  }
  return violations
}

/** Another write, above both, was under way together with `later`: it may have replaced that as soon as it was there. */
function overtaken(later: WriteOp, earlier: WriteOp, supersession: Supersession): boolean {
  const end = acknowledgement(later)?.completedAt ?? Number.POSITIVE_INFINITY
  return supersession.writes.some(
    (write) => write !== later && began(write) < end && supersession.ranksAbove(write, earlier),
  )
}

/** The read must have known the write. */
function mustBeSeen(evidence: Evidence, supersession: Supersession, read: ReadOp, write: WriteOp): boolean {
  const ack = acknowledgement(write)
  if (ack === undefined || !inTime(evidence, read, write)) return false
  if (!read.final && (read.sloppy || read.r + write.w <= evidence.n)) return false
  return !supersession.missable(ack, read.completedAt)
}
