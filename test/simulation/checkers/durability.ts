import type { Evidence, Violation } from '../evidence.ts'
import { acknowledgement, type WriteOp } from '../history.ts'
import { type Supersession, supersessionOf } from './supersession.ts'

/**
 * Law 1: no acknowledged write is lost. When all is healed, each is there or was replaced by one that is: by a
 * writer who had seen it or, under `lww`, by a higher rank. Sloppy writes are no exception. Nor is what anybody was shown,
 * acknowledged or not: only what is on a disk may be shown, so that no power cut takes it back.
 */
export function durability(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  for (const key of new Set(evidence.finals.map((copy) => copy.key))) {
    const supersession = supersessionOf(evidence, key)
    const explained = supersession.explained(present(evidence, key, supersession))
    for (const write of supersession.writes) {
      const ack = acknowledgement(write)
      if (ack === undefined || explained.has(write)) continue
      // A lost disk takes one copy: the law speaks of writes of which another is left.
      if (ack.acks < 2 && supersession.lostBetween(ack.completedAt, Number.POSITIVE_INFINITY, ack.node))
        continue
      violations.push({ checker: 'durability', key, message: `${describe(write)} is lost` })
    }
    for (const read of supersession.reads) {
      const { invokedAt, node } = read
      if (read.outcome !== 'ok' || supersession.lostBetween(invokedAt, Number.POSITIVE_INFINITY, node))
        continue
      for (const value of read.values) {
        const write = supersession.ofValue(value)
        if (write === undefined || acknowledgement(write) !== undefined || explained.has(write)) continue
        const when = (read.completedAt / 1e6).toFixed(3)
        const message = `${describe(write)} is lost, although it was read at ${when} s from ${read.node}`
        violations.push({ checker: 'durability', key, message })
      }
    }
  }
  return violations
}

/** The writes of which something is left when all is healed: versions, and tombstones that were collected. */
export function present(evidence: Evidence, key: string, supersession: Supersession): WriteOp[] {
  const found = new Set<WriteOp>()
  for (const { record, key: held } of evidence.finals) {
    if (held !== key || record === undefined) continue
    for (const sibling of record.siblings) {
      for (const write of supersession.ofSibling(sibling)) found.add(write)
    }
    for (const write of supersession.retries.ownTombstoneRemoved(record.past)) found.add(write)
  }
  for (const past of evidence.observations.shortened.get(key) ?? [])
    for (const write of supersession.retries.ownTombstoneRemoved(past)) found.add(write)
  // A tombstone that was collected still stands for what it replaced.
  for (const record of evidence.observations.removed.get(key) ?? []) {
    for (const write of supersession.retries.ownTombstoneRemoved(record.past)) found.add(write)
    for (const sibling of record.siblings) {
      if (sibling.value === null || sibling.expiresAtMs > 0)
        for (const write of supersession.ofSibling(sibling)) found.add(write)
    }
  }
  return [...found]
}

export function describe(write: WriteOp): string {
  const what = write.value === null ? 'the delete' : `the write of ${write.value.replace(/\.+$/, '')}`
  const ack = acknowledgement(write)
  if (ack === undefined) return `${what} (${write.request}, not acknowledged)`
  const when = (ack.completedAt / 1e6).toFixed(3)
  return `${what} (${write.request}, acknowledged${ack.sloppy ? ' sloppily' : ''} at ${when} s by ${ack.node}, w=${write.w})`
}
