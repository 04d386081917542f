/**
 * Whoever gives out dots and remembers all that it gave out: node id, a name drawn at random for this run of the
 * process, and generation. A node that may have forgotten a dot (a start, a lost record, a dropped hint) goes on as
 * a new actor, because a version vector that names an actor's counter speaks for all of its earlier ones.
 */
export type Actor = string

/** One write event. A dot never names two values. */
export interface Dot {
  readonly actor: Actor
  /** From 1; rising over all the keys of the actor, so those of one key have gaps. */
  readonly counter: number
}

export function sameDot(a: Dot, b: Dot): boolean {
  return a.counter === b.counter && a.actor === b.actor
}

/** By actor in code unit order, then by counter. */
export function compareDots(a: Dot, b: Dot): number {
  if (a.actor !== b.actor) return a.actor < b.actor ? -1 : 1
  return a.counter - b.counter
}
