import { KvError } from '../../shared/errors.ts'
import type { Context } from './context.ts'
import { compareDots, type Dot, sameDot } from './dot.ts'
import {
  type ConflictPolicy,
  HIDDEN_ATTEMPT_MS,
  type KeyRecord,
  RETRY_WINDOW_MS,
  type RequestId,
  type Retirement,
  type Sibling,
} from './record.ts'
import { isConsumed, isVoid, joinRetired, requestOf, retirementOf } from './retirement.ts'
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
  readonly attempt: number
}

/**
 * The record after a write at its coordinator (the `update` of dotted version vector sets). The request must not
 * be settled here yet: see settlementOf.
 *
 * The versions that `context` covers are replaced. Under `lww` so are all that rank below the write: it counts
 * as having seen what its coordinator held. That, and not the merge, is where last-write-wins drops versions.
 * Attempts at requests whose value somebody has seen and replaced go the same way.
 *
 * @throws KvError `invariant` when the dot is not a fresh one.
 */
export function writeRecord(
  record: KeyRecord,
  write: Write,
  context: Context | undefined,
  policy: ConflictPolicy,
): KeyRecord {
  const { dot } = write
  let past = context === undefined ? record.past : joinVectors(record.past, context.vector)
  if (covers(past, dot) || record.siblings.some((sibling) => sameDot(sibling.dot, dot))) {
    throw new KvError('invariant', `the version ${dot.actor}:${dot.counter} was given out twice`)
  }
  const siblings: Sibling[] = [write]
  const outdone: Sibling[] = []
  let retired = unexpired(record.retired, write.stamp)
  if (context !== undefined) retired = joinRetired(retired, unexpired(context.seen, write.stamp))
  for (const sibling of record.siblings) {
    if (covers(past, sibling.dot)) retired = retire(retired, sibling, true)
    else if (isConsumed(record, sibling)) outdone.push(sibling)
    else if (policy === 'lww' && compareRank(sibling, write) < 0) outdone.push(sibling)
    else siblings.push(sibling)
  }
  for (const sibling of outdone) {
    if (siblings.some((kept) => precedes(kept.dot, sibling.dot))) siblings.push(sibling)
    else {
      past = foldDot(past, sibling.dot)
      if (!isVoid(record, sibling)) retired = retire(retired, sibling, false)
    }
  }
  siblings.sort(byDot)
  return { past, siblings, retired }
}

/**
 * What must be remembered of siblings that are replaced. Of one that is replaced for its rank only the retries need
 * it: a first attempt has nothing to make void, and a retry that comes after it may well rank above.
 */
function retire(retired: readonly Retirement[], sibling: Sibling, seen: boolean): readonly Retirement[] {
  if (!seen && sibling.attempt === 0) return retired
  return joinRetired(retired, [retirementOf(sibling, seen)])
}

function unexpired(retired: readonly Retirement[], now: Stamp): readonly Retirement[] {
  const lives = ({ attempt, wallMs }: Retirement) =>
    wallMs > now.wallMs - (attempt > 0 ? HIDDEN_ATTEMPT_MS : RETRY_WINDOW_MS)
  return retired.every(lives) ? retired : retired.filter(lives)
}

/** The record with a sibling of it stamped again; undefined where that was replaced, or taken over by a later attempt. */
export function restampSibling(
  record: KeyRecord,
  dot: Dot,
  again: Pick<Sibling, 'stamp' | 'expiresAtMs' | 'attempt'>,
): KeyRecord | undefined {
  const sibling = record.siblings.find((one) => sameDot(one.dot, dot))
  if (sibling === undefined || sibling.attempt > again.attempt) return undefined
  const siblings = record.siblings.map((one) => (one === sibling ? { ...sibling, ...again } : one))
  return { ...record, siblings }
}

/**
 * As `restampSibling`, under a fresh dot that replaces the sibling's. For `lww`: where the sibling was dropped for its
 * rank its dot is known for good, as that of a sibling that was seen, and no stamp would bring it back. That it was seen
 * is remembered by its request.
 */
export function rewriteSibling(
  record: KeyRecord,
  dot: Dot,
  again: Pick<Sibling, 'dot' | 'stamp' | 'expiresAtMs' | 'attempt'>,
): KeyRecord | undefined {
  const sibling = record.siblings.find((one) => sameDot(one.dot, dot))
  if (sibling === undefined || sibling.attempt > again.attempt) return undefined
  const siblings = record.siblings.filter((one) => one !== sibling)
  const bound = siblings.some((one) => precedes(one.dot, dot))
  // It stays beside the other, which makes it void.
  if (bound) siblings.push(sibling)
  siblings.push({ ...sibling, ...again, request: requestOf(sibling) })
  return { ...record, past: bound ? record.past : foldDot(record.past, dot), siblings: siblings.sort(byDot) }
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
 * The siblings that readers may see: those that are not void. Where all are, requests have replaced attempts of
 * each other, and all are shown rather than lost.
 */
function visible(record: KeyRecord): readonly Sibling[] {
  const { siblings } = record
  if (siblings.length < 2) return siblings
  const valid = siblings.filter((sibling) => !isVoid(record, sibling))
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
