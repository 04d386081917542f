import type { Evidence, Violation } from '../evidence.ts'
import { acknowledgement, type WriteOp } from '../history.ts'
import { present } from './durability.ts'
import { type Supersession, supersessionOf } from './supersession.ts'
import type { WriteSet } from './write-set.ts'

/**
 * What became of a value that was acknowledged, as the set checker of Jepsen has it: it was read, and known to all who
 * read later (`stable`); known to later readers but not to all (`stale`: of quorums that do not meet that is no breach);
 * replaced before anybody read it (`never read`); or neither there in the end nor replaced (`lost`: whether it may be,
 * with a disk, is for the checker of durability to say).
 */
export type Fate = 'stable' | 'stale' | 'never read' | 'lost'

/** Of fewer values than these none need have stayed, nor where fewer reads went well: the ring was hardly there. */
const ENOUGH = 10

type Fates = ReadonlyMap<Fate, number>

const told = new WeakMap<Evidence, Fates>()

/** How many had which fate; deletes, and values that expire, are not counted. Worked out once. */
export function fates(evidence: Evidence): Fates {
  const counts = told.get(evidence) ?? count(evidence)
  told.set(evidence, counts)
  return counts
}

function count(evidence: Evidence): Fates {
  const counts = new Map<Fate, number>()
  for (const key of new Set(evidence.finals.map((copy) => copy.key))) {
    const supersession = supersessionOf(evidence, key)
    for (const fate of fatesOf(supersession, present(evidence, key, supersession)))
      counts.set(fate, (counts.get(fate) ?? 0) + 1)
  }
  return counts
}

/**
 * A run after which no value was read and stayed, be it that some readers missed it on the way, has shown nothing,
 * whatever the other checkers say.
 */
export function elements(evidence: Evidence): Violation[] {
  const counts = fates(evidence)
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const reads = evidence.history.reads.filter(({ outcome, client }) => outcome === 'ok' && client > 0).length
  if (all < ENOUGH || reads < ENOUGH || counts.has('stable') || counts.has('stale')) return []
  return [{ checker: 'elements', key: '', message: `of ${all} acknowledged values none was read and stayed` }]
}

function fatesOf(supersession: Supersession, left: readonly WriteOp[]): Fate[] {
  const inTheEnd = supersession.explained(left)
  // A reader who is shown nothing may have met a delete.
  const reads = supersession.reads
    .filter(({ outcome, values }) => outcome === 'ok' && values.length > 0)
    .map(({ invokedAt, values }) => ({
      invokedAt,
      shown: values.flatMap((value) => supersession.ofValue(value) ?? []),
    }))
    .sort((a, b) => b.invokedAt - a.invokedAt)
  const seen = new Set(reads.flatMap(({ shown }) => shown))
  const acknowledged = supersession.writes
    .flatMap((write) => {
      const ack = acknowledgement(write)
      return ack === undefined || write.value === null || write.ttlMs > 0
        ? []
        : { write, at: ack.completedAt }
    })
    .sort((a, b) => b.at - a.at)
  // From the last read back: what all readers from here on know.
  let known: WriteSet | undefined
  let next = 0
  return acknowledged.map(({ write, at }) => {
    for (let read = reads[next]; read !== undefined && read.invokedAt > at; read = reads[++next]) {
      const knows = supersession.explained(read.shown)
      known = known === undefined ? knows : known.and(knows)
    }
    if (!inTheEnd.has(write)) return 'lost'
    if (!seen.has(write)) return 'never read'
    return known === undefined || known.has(write) ? 'stable' : 'stale'
  })
}
