import type { ConflictPolicy } from '../../server/causality/record.ts'
import type { Stamp } from '../../server/causality/stamp.ts'
import type { Write } from '../../server/causality/write.ts'

/** That a request's value was replaced, as somebody noted it. */
export interface Fact {
  readonly request: string
  readonly attempt: number
  readonly event: Event
  readonly seen: boolean
}

/** A write and, as plain sets, all the writes that it replaced and what it noted of them. */
export interface Event {
  readonly write: Write
  readonly replaced: ReadonlySet<Event>
  readonly facts: readonly Fact[]
}

/** A write that was stamped again. */
export interface Lift {
  readonly event: Event
  readonly attempt: number
  readonly stamp: Stamp
}

/** Everything that somebody has seen, in plain sets: what a record has to agree with. */
export interface Known {
  readonly events: ReadonlySet<Event>
  readonly lifts: ReadonlySet<Lift>
}

export const NOTHING: Known = { events: new Set(), lifts: new Set() }

export function union(a: Known, b: Known): Known {
  return { events: new Set([...a.events, ...b.events]), lifts: new Set([...a.lifts, ...b.lifts]) }
}

export function replacedIn({ events }: Known): Set<Event> {
  return new Set([...events].flatMap((event) => [...event.replaced]))
}

/** The versions that nothing known has replaced. */
export function current(known: Known): Event[] {
  const replaced = replacedIn(known)
  return [...known.events].filter((event) => !replaced.has(event))
}

/** By what the write is remembered when it is replaced. */
export function requestOf({ write: { request, dot } }: Event): string {
  return request === '' ? `${dot.actor}:${dot.counter}` : request
}

/** The attempt and stamp that a version has by now: the latest attempt's, and of those the highest. */
export function standing(known: Known, event: Event): { attempt: number; stamp: Stamp } {
  let top: { attempt: number; stamp: Stamp } = event.write
  for (const lift of known.lifts) {
    if (lift.event !== event) continue
    const later = lift.attempt - top.attempt || lift.stamp.wallMs - top.stamp.wallMs
    if (later > 0) top = lift
  }
  return { attempt: top.attempt, stamp: top.stamp }
}

/** What is noted of a request: of several facts, the one that makes more attempts void. */
export function factOf(known: Known, request: string): Fact | undefined {
  const facts = [...known.events].flatMap((event) => event.facts).filter((fact) => fact.request === request)
  return facts.reduce<Fact | undefined>((top, fact) => {
    if (top === undefined) return fact
    if (fact.seen !== top.seen) return fact.seen ? fact : top
    return claims(fact.attempt, fact.event, top.attempt, top.event) ? fact : top
  }, undefined)
}

/** Whether attempt `a` that made `x` stands above attempt `b` that made `y`. */
function claims(a: number, x: Event, b: number, y: Event): boolean {
  if (a !== b) return a > b
  if (x.write.dot.counter !== y.write.dot.counter) return x.write.dot.counter > y.write.dot.counter
  return x.write.dot.actor > y.write.dot.actor
}

/** The attempt at the request that counts, and whether its value is still there. */
export function settledIn(
  known: Known,
  request: string,
): { event: Event; attempt: number; there: boolean } | undefined {
  if (request === '') return undefined
  const there = current(known).filter((event) => requestOf(event) === request && !factAgainst(known, event))
  const top = there.find((event) => !rivalOf(known, event, there))
  if (top !== undefined) return { event: top, attempt: standing(known, top).attempt, there: true }
  const fact = factOf(known, request)
  return fact === undefined ? undefined : { event: fact.event, attempt: fact.attempt, there: false }
}

function factAgainst(known: Known, event: Event): boolean {
  const fact = factOf(known, requestOf(event))
  if (fact === undefined || fact.event === event) return false
  return fact.seen || claims(fact.attempt, fact.event, standing(known, event).attempt, event)
}

function isConsumedIn(known: Known, event: Event): boolean {
  const fact = factOf(known, requestOf(event))
  return fact?.seen === true && fact.event !== event
}

function rivalOf(known: Known, event: Event, among: readonly Event[]): boolean {
  const own = standing(known, event).attempt
  return among.some(
    (other) =>
      requestOf(other) === requestOf(event) && claims(standing(known, other).attempt, other, own, event),
  )
}

function isVoidIn(known: Known, event: Event): boolean {
  return factAgainst(known, event) || rivalOf(known, event, current(known))
}

/** Of the current versions, the ones that no other attempt has made void, unless that leaves none. */
export function visible(known: Known): Event[] {
  const all = current(known)
  const valid = all.filter((event) => !isVoidIn(known, event))
  return valid.length === 0 ? all : valid
}

/**
 * The events that a reader's context stands for: what was replaced, what is current, and by the rule on actors the
 * earlier events of the same actors.
 */
export function seenBy(known: Known): Set<Event> {
  const seen = replacedIn(known)
  for (const event of current(known)) seen.add(event)
  for (const event of known.events) {
    for (const later of seen) {
      if (later.write.dot.actor !== event.write.dot.actor) continue
      if (later.write.dot.counter > event.write.dot.counter) seen.add(event)
    }
  }
  return seen
}

function outranks(known: Known, a: Event, b: Event): boolean {
  const x = standing(known, a).stamp
  const y = standing(known, b).stamp
  if (x.wallMs !== y.wallMs) return x.wallMs > y.wallMs
  if (x.logical !== y.logical) return x.logical > y.logical
  if (a.write.dot.actor !== b.write.dot.actor) return a.write.dot.actor > b.write.dot.actor
  return a.write.dot.counter > b.write.dot.counter
}

export function highest(known: Known, events: readonly Event[]): Event | undefined {
  return events.reduce<Event | undefined>(
    (top, event) => (top === undefined || outranks(known, event, top) ? event : top),
    undefined,
  )
}

function noted(known: Known, events: readonly Event[], seen: boolean): Fact[] {
  return events.map((event) => ({
    request: requestOf(event),
    attempt: standing(known, event).attempt,
    event,
    seen,
  }))
}

/** The event that stands for `event` when that is written again under a dot of its own. */
export function happenAgain(
  known: Known,
  event: Event,
  again: Pick<Write, 'dot' | 'stamp' | 'attempt'>,
): Event {
  const write = { ...event.write, ...again, request: requestOf(event) }
  const { actor, counter } = event.write.dot
  const bound = current(known).some(({ write: { dot } }) => dot.actor === actor && dot.counter < counter)
  return { write, replaced: new Set(bound ? [] : [event]), facts: [] }
}

/** The event that a write at `known` makes, whose writer had read `read`. */
export function happen(known: Known, write: Write, read: Known, policy: ConflictPolicy): Event {
  const context = seenBy(read)
  const lone: Event = { write, replaced: new Set(), facts: [] }
  const replaced = new Set(context)
  const facts = noted(read, current(read), true)
  const outdone: Event[] = []
  const kept: Event[] = [lone]
  for (const event of current(known)) {
    if (context.has(event)) facts.push(...noted(known, [event], true))
    else if (isConsumedIn(known, event) || (policy === 'lww' && outranks(known, lone, event)))
      outdone.push(event)
    else kept.push(event)
  }
  for (const event of outdone) {
    const { actor, counter } = event.write.dot
    const precedes = ({ write: { dot } }: Event): boolean => dot.actor === actor && dot.counter < counter
    if (kept.some(precedes)) kept.push(event)
    else {
      replaced.add(event)
      if (!isVoidIn(known, event))
        facts.push(...noted(known, [event], false).filter(({ attempt }) => attempt > 0))
    }
  }
  for (const event of [...replaced]) for (const earlier of event.replaced) replaced.add(earlier)
  return { write, replaced, facts }
}
