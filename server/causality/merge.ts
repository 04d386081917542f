import { compareDots } from './dot.ts'
import type { KeyRecord, Sibling, VersionVector } from './record.ts'
import { joinRetired } from './retirement.ts'
import { compareStamps } from './stamp.ts'
import { covers, joinVectors } from './version-vector.ts'

/**
 * All that two replicas know of a key (the `sync` of dotted version vector sets). Commutative, associative and
 * idempotent, so replicas that have seen the same writes agree in whatever order they met.
 *
 * A sibling stays unless a write that is known on either side had seen it. Nothing is dropped for its stamp
 * or because its request is settled, not even under `lww`: see KeyRecord.
 *
 * @returns `a` itself when `b` adds nothing to it.
 */
export function mergeRecords(a: KeyRecord, b: KeyRecord): KeyRecord {
  if (a === b) return a
  const past = joinVectors(a.past, b.past)
  const retired = joinRetired(a.retired, b.retired)
  const siblings = joinSiblings(a.siblings, b.siblings, past)
  if (past === a.past && retired === a.retired && sameSiblings(siblings, a.siblings)) return a
  if (past === b.past && retired === b.retired && sameSiblings(siblings, b.siblings)) return b
  return { past, siblings, retired }
}

/** Both lists are in dot order, and so is the outcome. */
function joinSiblings(a: readonly Sibling[], b: readonly Sibling[], past: VersionVector): Sibling[] {
  const joined: Sibling[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i]
    const y = b[j]
    const order = x === undefined ? 1 : y === undefined ? -1 : compareDots(x.dot, y.dot)
    if (order <= 0) i++
    if (order >= 0) j++
    const sibling = order < 0 ? x : order > 0 ? y : sameWrite(x as Sibling, y as Sibling)
    if (sibling !== undefined && !covers(past, sibling.dot)) joined.push(sibling)
  }
  return joined
}

/**
 * One write, perhaps stamped again by its coordinator or by a later attempt. The later attempt's stamp counts: what
 * an earlier one did about it afterwards, it did without knowing of what had been acknowledged by then.
 */
function sameWrite(x: Sibling, y: Sibling): Sibling {
  return (x.attempt - y.attempt || compareStamps(x.stamp, y.stamp)) >= 0 ? x : y
}

function sameSiblings(a: readonly Sibling[], b: readonly Sibling[]): boolean {
  return a.length === b.length && a.every((sibling, i) => sibling === b[i])
}
