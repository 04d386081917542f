import type { Actor, Dot } from './dot.ts'
import type { VersionVector } from './record.ts'

/** Whether the event is known to `vector`. */
export function covers(vector: VersionVector, dot: Dot): boolean {
  const counter = vector.get(dot.actor)
  return counter !== undefined && counter >= dot.counter
}

/** Whether `a` knows every event that `b` knows. */
export function descends(a: VersionVector, b: VersionVector): boolean {
  if (a === b) return true
  for (const [actor, counter] of b) {
    const known = a.get(actor)
    if (known === undefined || known < counter) return false
  }
  return true
}

export function vectorEquals(a: VersionVector, b: VersionVector): boolean {
  return descends(a, b) && descends(b, a)
}

/** The events of both: `a` itself when `b` adds nothing, otherwise `b` itself when `a` adds nothing. */
export function joinVectors(a: VersionVector, b: VersionVector): VersionVector {
  if (descends(a, b)) return a
  if (descends(b, a)) return b
  const joined = new Map<Actor, number>(a)
  for (const [actor, counter] of b) {
    const known = joined.get(actor)
    if (known === undefined || known < counter) joined.set(actor, counter)
  }
  return joined
}

/** `vector` with the event, and so with all the earlier ones of its actor; itself when it knew it. */
export function foldDot(vector: VersionVector, dot: Dot): VersionVector {
  if (covers(vector, dot)) return vector
  return new Map<Actor, number>(vector).set(dot.actor, dot.counter)
}
