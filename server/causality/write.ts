import { KvError } from '../../shared/errors.ts'
import { compareDots, type Dot, sameDot } from './dot.ts'
import type { ConflictPolicy, KeyRecord, RequestId, Sibling, VersionVector } from './record.ts'
import { compareAge, isVoid, joinRetired, settledAs } from './retirement.ts'
import { compareStamps, type Stamp } from './stamp.ts'
import { covers, foldDot, joinVectors } from './version-vector.ts'

/** One attempt at a put or, with `value` null, at a delete. */
export interface Write {
  /** Fresh, and given out on top of all that its actor wrote to this key before. */
  readonly dot: Dot
  readonly stamp: Stamp
  readonly value: Buffer | null
  readonly expiresAtMs: number
  /** Its attempts all have the same value, and the same context, read before the first of them. */
  readonly request: RequestId
  /** Not the first attempt at `request`: the others become void. */
  readonly retry: boolean
}

/**
 * The record after a write at its coordinator (the `update` of dotted version vector sets).
 *
 * The versions that `context` covers are replaced. Under `lww` so are all that rank below the write: it counts
 * as having seen what its coordinator held. That, and not the merge, is where last-write-wins drops versions.
 * Other requests' void attempts go the same way.
 *
 * A request that was settled is not applied again, unless the context covers the attempt that settled it:
 * then the writer knows of that one and replaces it.
 *
 * @returns `record` itself when the request was settled before.
 * @throws KvError `invariant` when the dot is not a fresh one.
 */
export function writeRecord(
  record: KeyRecord,
  write: Write,
  context: VersionVector | undefined,
  policy: ConflictPolicy,
): KeyRecord {
  const { dot, stamp, value, expiresAtMs } = write
  const settled = settledAs(record.retired, write.request)
  if (settled !== undefined && (context === undefined || !covers(context, settled))) return record
  let past = context === undefined ? record.past : joinVectors(record.past, context)
  if (covers(past, dot) || record.siblings.some((sibling) => sameDot(sibling.dot, dot))) {
    throw new KvError('invariant', `the version ${dot.actor}:${dot.counter} was given out twice`)
  }

  // A merge prefers the settled attempt if that is the higher, and would void this one: then it goes unnamed.
  const request = settled !== undefined && compareAge(settled, dot) > 0 ? '' : write.request
  const settles = request !== '' && (write.retry || settled !== undefined)
  const retired = settles ? joinRetired(record.retired, [{ request, dot }]) : record.retired
  const added: Sibling = { dot, stamp, value, expiresAtMs, request }
  const siblings = [added]
  const seen: Sibling[] = []
  for (const sibling of record.siblings) {
    if (covers(past, sibling.dot)) continue
    const outranked = policy === 'lww' && compareRank(sibling, added) < 0
    // Were this attempt to replace another of its request, and be void for it elsewhere, neither would be left.
    const otherAttempt = request !== '' && sibling.request === request
    if (!otherAttempt && (outranked || isVoid(record.retired, sibling))) seen.push(sibling)
    else siblings.push(sibling)
  }
  for (const sibling of seen) {
    if (siblings.some((kept) => precedes(kept.dot, sibling.dot))) siblings.push(sibling)
    else past = foldDot(past, sibling.dot)
  }
  siblings.sort(byDot)
  return { past, siblings, retired }
}

function byDot(a: Sibling, b: Sibling): number {
  return compareDots(a.dot, b.dot)
}

/** A vector that covers `later` covers `earlier` too: the one cannot be folded while the other stays. */
function precedes(earlier: Dot, later: Dot): boolean {
  return earlier.actor === later.actor && earlier.counter < later.counter
}

/** By stamp, then actor, then counter: the same everywhere, never by arrival. */
function compareRank(a: Sibling, b: Sibling): number {
  return compareStamps(a.stamp, b.stamp) || compareDots(a.dot, b.dot)
}

/**
 * The siblings that readers may see: those that are not void. Where all are, two retried requests have each
 * replaced the attempt that settled the other one, and both are shown rather than lost.
 */
function visible(record: KeyRecord): readonly Sibling[] {
  const { siblings, retired } = record
  if (retired.length === 0 || siblings.length < 2) return siblings
  const valid = siblings.filter((sibling) => !isVoid(retired, sibling))
  return valid.length === 0 ? siblings : valid
}

/** The sibling that wins under `lww`: the highest by (stamp, actor, counter), be it a tombstone or expired. */
export function winner(record: KeyRecord): Sibling | undefined {
  let top: Sibling | undefined
  for (const sibling of visible(record)) {
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
  return visible(record)
    .filter((sibling) => isLive(sibling, wallMs))
    .sort((a, b) => compareRank(b, a))
}
