import { KvError } from '../../shared/errors.ts'
import { compareDots, type Dot, sameDot } from './dot.ts'
import type { ConflictPolicy, KeyRecord, RequestId, Sibling, VersionVector } from './record.ts'
import { joinRetired, settledAs } from './retirement.ts'
import { compareStamps, type Stamp } from './stamp.ts'
import { covers, foldDot, joinVectors } from './version-vector.ts'

/** One attempt at a put or, with `value` null, at a delete. */
export interface Write {
  /** Fresh, and given out on top of all that its actor wrote to this key before. */
  readonly dot: Dot
  readonly stamp: Stamp
  readonly value: Buffer | null
  readonly expiresAtMs: number
  readonly request: RequestId
  /** Not the first attempt at `request`: the others become void. */
  readonly retry: boolean
}

/**
 * The record after a write at its coordinator (the `update` of dotted version vector sets).
 *
 * The versions that `context` covers are replaced. Under `lww` so are all that rank below the write: it counts
 * as having seen what its coordinator held. That, and not the merge, is where last-write-wins drops versions:
 * see `winner`.
 *
 * @returns `record` itself when the request was settled by another attempt, unless the context covers that one.
 * @throws KvError `invariant` when the dot is not a fresh one.
 */
export function writeRecord(
  record: KeyRecord,
  write: Write,
  context: VersionVector | undefined,
  policy: ConflictPolicy,
): KeyRecord {
  const { dot, stamp, value, expiresAtMs, request } = write
  const settled = settledAs(record.retired, request)
  if (settled !== undefined && (context === undefined || !covers(context, settled))) return record
  let past = context === undefined ? record.past : joinVectors(record.past, context)
  if (covers(past, dot) || record.siblings.some((sibling) => sameDot(sibling.dot, dot))) {
    throw new KvError('invariant', `the version ${dot.actor}:${dot.counter} was given out twice`)
  }

  const added: Sibling = { dot, stamp, value, expiresAtMs, request }
  const settles = write.retry && request !== ''
  const siblings: Sibling[] = [added]
  const replaced: Sibling[] = []
  for (const sibling of record.siblings) {
    if (covers(past, sibling.dot)) continue
    const sameRequest = settles && sibling.request === request
    if (sameRequest || (policy === 'lww' && compareRank(sibling, added) < 0)) replaced.push(sibling)
    else siblings.push(sibling)
  }
  for (const sibling of replaced) {
    if (!siblings.some((kept) => kept !== added && precedes(kept.dot, sibling.dot)))
      past = foldDot(past, sibling.dot)
    else if (!settles || sibling.request !== request) siblings.push(sibling)
  }
  siblings.sort((x, y) => compareDots(x.dot, y.dot))
  const retired = settles ? joinRetired(record.retired, [{ request, dot }]) : record.retired
  return { past, siblings, retired }
}

/** A vector that covers `later` covers `earlier` too: the one cannot be folded while the other stays. */
function precedes(earlier: Dot, later: Dot): boolean {
  return earlier.actor === later.actor && earlier.counter < later.counter
}

/** By stamp, then actor, then counter: the same everywhere, never by arrival. */
function compareRank(a: Sibling, b: Sibling): number {
  return compareStamps(a.stamp, b.stamp) || compareDots(a.dot, b.dot)
}

/** The sibling that wins under `lww`: the highest by (stamp, actor, counter), be it a tombstone or expired. */
export function winner(record: KeyRecord): Sibling | undefined {
  let top: Sibling | undefined
  for (const sibling of record.siblings) {
    if (top === undefined || compareRank(sibling, top) > 0) top = sibling
  }
  return top
}

/** All that is known of the key: whoever has read this record has seen these events. */
export function contextOf(record: KeyRecord): VersionVector {
  let context = record.past
  for (const sibling of record.siblings) context = foldDot(context, sibling.dot)
  return context
}

/** Whether the sibling is a value, and one that has not expired by `wallMs`. */
export function isLive(sibling: Sibling, wallMs: number): boolean {
  return sibling.value !== null && (sibling.expiresAtMs === 0 || wallMs < sibling.expiresAtMs)
}

/**
 * What a reader sees, highest (stamp, actor) first, without tombstones and expired values. Under `lww` that
 * is the winner or nothing: what a dead winner outranks stays hidden.
 */
export function liveSiblings(record: KeyRecord, wallMs: number, policy: ConflictPolicy): Sibling[] {
  if (policy === 'lww') {
    const top = winner(record)
    return top !== undefined && isLive(top, wallMs) ? [top] : []
  }
  return record.siblings.filter((sibling) => isLive(sibling, wallMs)).sort((a, b) => compareRank(b, a))
}
