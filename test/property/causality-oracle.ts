import type { ConflictPolicy } from '../../server/causality/record.ts'
import type { Write } from '../../server/causality/write.ts'

/** A write and, as a plain set, all the writes that it replaced. */
export interface Event {
  readonly write: Write
  readonly named: string
  readonly replaced: ReadonlySet<Event>
  readonly settles: string
}

/** Everything that somebody has seen, in plain sets: what a record has to agree with. */
export type Known = ReadonlySet<Event>

export function union(a: Known, b: Known): Known {
  return new Set([...a, ...b])
}

export function replacedIn(known: Known): Set<Event> {
  return new Set([...known].flatMap((event) => [...event.replaced]))
}

/** The attempt that settled the request: of several, the highest by (counter, actor). */
export function settledIn(known: Known, request: string): Event | undefined {
  let settled: Event | undefined
  for (const event of known) {
    if (request === '' || event.settles !== request) continue
    if (settled === undefined || younger(event.write, settled.write)) settled = event
  }
  return settled
}

export function younger(a: Write, b: Write): boolean {
  if (a.dot.counter !== b.dot.counter) return a.dot.counter > b.dot.counter
  return a.dot.actor > b.dot.actor
}

function isVoidIn(known: Known, event: Event): boolean {
  const settled = settledIn(known, event.named)
  return settled !== undefined && settled !== event
}

/** The versions that nothing known has replaced. */
export function current(known: Known): Event[] {
  const replaced = replacedIn(known)
  return [...known].filter((event) => !replaced.has(event))
}

/** Of those, the ones that no other attempt has made void, unless that leaves none. */
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
  for (const event of known) {
    for (const later of seen) {
      if (later.write.dot.actor !== event.write.dot.actor) continue
      if (later.write.dot.counter > event.write.dot.counter) seen.add(event)
    }
  }
  return seen
}

function outranks(a: Write, b: Write): boolean {
  if (a.stamp.wallMs !== b.stamp.wallMs) return a.stamp.wallMs > b.stamp.wallMs
  if (a.stamp.logical !== b.stamp.logical) return a.stamp.logical > b.stamp.logical
  if (a.dot.actor !== b.dot.actor) return a.dot.actor > b.dot.actor
  return a.dot.counter > b.dot.counter
}

export function highest(events: readonly Event[]): Event | undefined {
  return events.reduce<Event | undefined>(
    (top, event) => (top === undefined || outranks(event.write, top.write) ? event : top),
    undefined,
  )
}

/** The event that a write at `known` makes; none where its request was settled before. */
export function happen(
  known: Known,
  write: Write,
  context: ReadonlySet<Event>,
  policy: ConflictPolicy,
): Event | undefined {
  const settled = settledIn(known, write.request)
  if (settled !== undefined && !context.has(settled)) return undefined
  const named = settled !== undefined && younger(settled.write, write) ? '' : write.request
  const settles = write.retry || settled !== undefined ? named : ''
  const replaced = new Set(context)
  const seen: Event[] = []
  const kept: Event[] = []
  for (const event of current(known)) {
    if (context.has(event)) continue
    const outranked = policy === 'lww' && outranks(write, event.write)
    const otherAttempt = named !== '' && event.named === named
    if (!otherAttempt && (outranked || isVoidIn(known, event))) seen.push(event)
    else kept.push(event)
  }
  for (const event of seen) {
    const { actor, counter } = event.write.dot
    const precedes = ({ write: { dot } }: Event): boolean => dot.actor === actor && dot.counter < counter
    if (!kept.some(precedes)) replaced.add(event)
  }
  for (const event of [...replaced]) for (const earlier of event.replaced) replaced.add(earlier)
  return { write, named, replaced, settles }
}
