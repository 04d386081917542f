import type { Evidence, Violation } from '../evidence.ts'
import { acknowledgement, began, failedForCertain, type ReadOp, type WriteOp } from '../history.ts'
import { describe } from './durability.ts'
import { inTime, type Supersession, supersessionOf } from './supersession.ts'

/**
 * Law 2: what was said to have failed never takes effect; nothing is read that nobody wrote; an acknowledgement
 * counts what it claims; and a read that does not call itself sloppy knows every write whose quorum meets its own.
 */
export function honesty(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  for (const key of evidence.history.keys()) {
    const report = (message: string) => violations.push({ checker: 'honesty', key, message })
    const supersession = supersessionOf(evidence, key)
    for (const write of supersession.writes) checkAnswers(evidence, write, report)
    for (const read of supersession.reads) {
      if (read.code === 'internal' || read.code === 'invariant') report(`${named(read)} failed: ${read.code}`)
      if (read.outcome !== 'ok') continue
      checkValues(read, supersession, report)
      checkFreshness(evidence, read, supersession, report)
    }
    for (const copy of evidence.finals) {
      if (copy.key !== key) continue
      for (const sibling of copy.record?.siblings ?? []) {
        const [write, other] = supersession.ofSibling(sibling)
        if (write === undefined || other !== undefined || !failedForCertain(write)) continue
        report(`${describe(write)} failed, yet ${copy.node} holds it`)
      }
    }
  }
  return violations
}

type Report = (message: string) => void

function checkAnswers(evidence: Evidence, write: WriteOp, report: Report): void {
  for (const attempt of write.attempts) {
    if (attempt.code === 'internal' || attempt.code === 'invariant')
      report(`${describe(write)}: ${attempt.code}`)
    if (attempt.outcome !== 'ok') continue
    if (attempt.acks < write.w) report(`${describe(write)} claims ${attempt.acks} acks of w=${write.w}`)
    if (attempt.acks > evidence.n) report(`${describe(write)} claims ${attempt.acks} acks of n=${evidence.n}`)
    if (write.strict && attempt.sloppy) report(`${describe(write)} was strict, and counted a hint`)
  }
}

function checkValues(read: ReadOp, supersession: Supersession, report: Report): void {
  if (read.replies < read.r) report(`${named(read)} claims ${read.replies} replies of r=${read.r}`)
  for (const value of read.values) {
    const write = supersession.ofValue(value)
    if (write === undefined) report(`${named(read)} shows ${JSON.stringify(value)}, which nobody wrote`)
    else if (failedForCertain(write))
      report(`${named(read)} shows ${describe(write)}, which had failed for certain`)
    else if (began(write) > read.completedAt)
      report(`${named(read)} shows ${describe(write)}, which came later`)
  }
}

function checkFreshness(evidence: Evidence, read: ReadOp, supersession: Supersession, report: Report): void {
  if (read.sloppy && !read.final) return
  const shown = read.values.flatMap((value) => supersession.ofValue(value) ?? [])
  // Tombstones and expired values are not shown: any that began in time may be there.
  const invisible = (write: WriteOp) =>
    (write.value === null || write.ttlMs > 0) && began(write) < read.completedAt
  const mayBe =
    shown.length > 0 && evidence.conflicts === 'lww'
      ? shown
      : [...shown, ...supersession.writes.filter(invisible)]
  const explained = supersession.explained(mayBe)
  for (const write of supersession.writes) {
    const ack = acknowledgement(write)
    if (ack === undefined || !inTime(evidence, read, write) || explained.has(write)) continue
    if (read.r + write.w <= evidence.n || supersession.missable(ack, read.completedAt)) continue
    const what = shown.length === 0 ? 'nothing' : shown.map((other) => other.request).join(', ')
    report(`${named(read)} found ${what}, and does not know of ${describe(write)}`)
  }
}

function named(read: ReadOp): string {
  return `the read at ${(read.invokedAt / 1e6).toFixed(3)} s from ${read.node} (r=${read.r})`
}
