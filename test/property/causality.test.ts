import { expect } from 'chai'
import fc from 'fast-check'
import { type Context, contextOf } from '../../server/causality/context.ts'
import { compareDots } from '../../server/causality/dot.ts'
import { mergeRecords } from '../../server/causality/merge.ts'
import { type ConflictPolicy, EMPTY_RECORD, type KeyRecord } from '../../server/causality/record.ts'
import { decodeRecord, encodeRecord } from '../../server/causality/record-codec.ts'
import { settlementOf } from '../../server/causality/retirement.ts'
import { covers } from '../../server/causality/version-vector.ts'
import {
  liveSiblings,
  restampSibling,
  rewriteSibling,
  type Write,
  winner,
  writeRecord,
} from '../../server/causality/write.ts'
import { keyFromText } from '../../shared/key.ts'
import {
  current,
  type Event,
  factOf,
  happen,
  happenAgain,
  highest,
  type Known,
  NOTHING,
  replacedIn,
  settledIn,
  union,
  visible,
} from './causality-oracle.ts'

const ACTORS = ['a', 'b', 'c', 'd']
const REQUESTS = ['', '', 'p', 'q', 's']
const KEY = keyFromText('k')

/** What one replica, or a message on its way, holds: the record, and beside it the plain set of events. */
interface View {
  readonly record: KeyRecord
  readonly known: Known
}

interface Step {
  readonly type: 'write' | 'lift' | 'merge' | 'send' | 'deliver'
  readonly at: number
  readonly other: number
  /** What the writer had read: nothing, another replica, what it read last, or its own replica. */
  readonly context: 'none' | 'fresh' | 'stale' | 'own'
  readonly request: string
  readonly attempt: number
  /** Actors' clocks differ, but each one's rises. */
  readonly tick: number
  readonly skip: number
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('write', 'write', 'lift', 'merge', 'merge', 'send', 'deliver'),
  at: fc.nat(ACTORS.length - 1),
  other: fc.nat(ACTORS.length - 1),
  context: fc.constantFrom('none', 'fresh', 'stale', 'own'),
  request: fc.constantFrom(...REQUESTS),
  attempt: fc.nat(3),
  tick: fc.integer({ min: 1, max: 30 }),
  skip: fc.integer({ min: 1, max: 4 }),
})

/** `switched`: the policy was changed, perhaps several times, and not on all replicas at once. */
type Regime = ConflictPolicy | 'switched'

function policyOf(regime: Regime, { other }: Step): ConflictPolicy {
  if (regime !== 'switched') return regime
  return other % 2 === 0 ? 'lww' : 'siblings'
}

/** Runs the steps on records and on sets at once; calls `check` for every view that comes about. */
function run(steps: readonly Step[], regime: Regime, check: (view: View) => void): View[] {
  const empty: View = { record: EMPTY_RECORD, known: NOTHING }
  const views: View[] = ACTORS.map(() => empty)
  const reads: View[] = ACTORS.map(() => empty)
  const messages: View[] = []
  const clocks = ACTORS.map(() => 0)
  const counters = ACTORS.map(() => 0)
  const place = (at: number, view: View): void => {
    views[at] = view
    check(view)
  }
  for (const step of steps) {
    const { type, at, other, context, request, attempt, tick, skip } = step
    const here = views[at] as View
    if (type === 'merge') place(at, meet(here, views[other] as View))
    else if (type === 'send') messages.push(here)
    else if (type === 'deliver') {
      const message = messages[(other * 7 + tick) % Math.max(messages.length, 1)]
      if (message !== undefined) place(at, meet(here, message))
    } else {
      clocks[at] = (clocks[at] as number) + tick
      const stamp = { wallMs: clocks[at] as number, logical: 0 }
      if (type === 'lift') {
        const mine = current(here.known).filter(({ write }) => write.dot.actor === ACTORS[at])
        const event = mine[other % Math.max(mine.length, 1)]
        counters[at] = (counters[at] as number) + skip
        const dot = { actor: ACTORS[at] as string, counter: counters[at] as number }
        const again = { dot, stamp, attempt: event?.write.attempt ?? 0 }
        if (event !== undefined) place(at, lift(here, event, again, policyOf(regime, step)))
        continue
      }
      counters[at] = (counters[at] as number) + skip
      if (context === 'fresh') reads[at] = views[other] as View
      if (context === 'own') reads[at] = here
      const dot = { actor: ACTORS[at] as string, counter: counters[at] as number }
      const value = tick % 5 === 0 ? null : Buffer.from(`${dot.actor}${dot.counter}`)
      const read = context === 'none' ? empty : (reads[at] as View)
      // A request has one context over all its attempts, read before the first of them.
      const possible = [...read.known.events].every((event) => event.write.request !== request)
      const write: Write = {
        dot,
        stamp,
        value,
        expiresAtMs: 0,
        request: possible ? request : '',
        attempt: possible && request !== '' ? attempt : 0,
      }
      place(at, attemptAt(here, write, read, policyOf(regime, step)))
    }
  }
  return views
}

/** As a coordinator does it: an attempt takes over what an earlier one has left, and otherwise writes. */
function attemptAt(here: View, write: Write, read: View, policy: ConflictPolicy): View {
  const settled = settledIn(here.known, write.request)
  const settlement = settlementOf(here.record, write.request)
  expect(settlement?.dot).to.deep.equal(settled?.event.write.dot)
  expect(settlement?.attempt).to.equal(settled?.attempt)
  expect(settlement?.sibling !== undefined).to.equal(settled?.there ?? false)
  if (settled === undefined) return apply(here, write, read, policy)
  if (!settled.there || settled.attempt >= write.attempt) return here
  return lift(here, settled.event, write, policy)
}

/** As a coordinator does it: under `lww` with a new dot. */
function lift(
  here: View,
  event: Event,
  { dot, stamp, attempt }: Pick<Write, 'dot' | 'stamp' | 'attempt'>,
  policy: ConflictPolicy,
): View {
  const again = { stamp, expiresAtMs: 0, attempt }
  if (policy === 'lww') {
    const record = rewriteSibling(here.record, event.write.dot, { ...again, dot })
    if (record === undefined) return here
    const events = new Set([happenAgain(here.known, event, { dot, stamp, attempt })])
    return { record, known: union(here.known, { events, lifts: new Set() }) }
  }
  const record = restampSibling(here.record, event.write.dot, again)
  // A later attempt has taken it over: it stays as that one left it.
  if (record === undefined) return here
  // Of the sibling that is there the higher claim stays, as in a merge with itself.
  const lifts = new Set([{ event, attempt, stamp }])
  return { record: mergeRecords(here.record, record), known: union(here.known, { events: new Set(), lifts }) }
}

function apply(here: View, write: Write, read: View, policy: ConflictPolicy): View {
  const context: Context = contextOf(read.record, 0)
  const event = happen(here.known, write, read.known, policy)
  const record = writeRecord(here.record, write, context.vector.size === 0 ? undefined : context, policy)
  // A context of events that are not known here brings no values along, but it does stand for them.
  return { record, known: union(here.known, { events: new Set([event]), lifts: new Set() }) }
}

function meet(a: View, b: View): View {
  return { record: mergeRecords(a.record, b.record), known: union(a.known, b.known) }
}

function named(events: readonly Event[]): string[] {
  return events
    .map(({ write }) => write.dot)
    .sort(compareDots)
    .map(({ actor, counter }) => `${actor}${counter}`)
}

function dotsOf(record: KeyRecord): string[] {
  return record.siblings.map(({ dot }) => `${dot.actor}${dot.counter}`)
}

function bytesOf(record: KeyRecord): string {
  return encodeRecord(KEY, record).toString('hex')
}

const history = fc.array(step, { maxLength: 40, size: 'max' })

for (const regime of ['siblings', 'lww', 'switched'] as const) {
  describe(`causality against plain sets of events, ${regime}`, () => {
    it('keeps exactly the versions that no known write has replaced', () => {
      fc.assert(
        fc.property(history, (steps) => {
          run(steps, regime, ({ record, known }) => {
            expect(dotsOf(record)).to.deep.equal(named(current(known)))
            for (const event of replacedIn(known)) expect(covers(record.past, event.write.dot)).to.equal(true)
            for (const retirement of record.retired) {
              const fact = factOf(known, retirement.request)
              expect(retirement.dot).to.deep.equal(fact?.event.write.dot)
              expect([retirement.attempt, retirement.seen]).to.deep.equal([fact?.attempt, fact?.seen])
            }
          })
        }),
        { numRuns: 400 },
      )
    })

    it('shows the highest of them, and never nothing after a write', () => {
      fc.assert(
        fc.property(history, (steps) => {
          run(steps, regime, ({ record, known }) => {
            if (known.events.size > 0) expect(record.siblings).to.not.be.empty
            const top = highest(known, visible(known))
            expect(winner(record)?.dot).to.deep.equal(top?.write.dot)
            const winners = top === undefined ? [] : [top]
            // Whatever it was written under, it can be read under either.
            for (const [policy, readable] of [
              ['siblings', visible(known)],
              ['lww', winners],
            ] as const) {
              const live = readable.filter((event) => event.write.value !== null)
              const shown = liveSiblings(record, 0, policy).map(({ dot }) => `${dot.actor}${dot.counter}`)
              expect(shown).to.have.members(named(live))
            }
          })
        }),
        { numRuns: 400 },
      )
    })

    it('gives the same record in whatever order replicas meet', () => {
      fc.assert(
        fc.property(history, fc.infiniteStream(fc.nat()), (steps, picks) => {
          const views = run(steps, regime, () => {})
          const records = views.map((view) => view.record)
          const expected = bytesOf(records.reduce((a, b) => mergeRecords(a, b)))
          const pick = (count: number): number => (picks.next().value as number) % count
          while (records.length > 1) {
            const [a] = records.splice(pick(records.length), 1) as [KeyRecord]
            const [b] = records.splice(pick(records.length), 1) as [KeyRecord]
            const both = mergeRecords(a, b)
            expect(mergeRecords(both, a), 'a is in it').to.equal(both)
            expect(mergeRecords(both, b), 'b is in it').to.equal(both)
            expect(bytesOf(mergeRecords(b, a)), 'commutes').to.equal(bytesOf(both))
            // What a replica holds after a restart is what it has written down.
            records.push(decodeRecord(KEY, encodeRecord(KEY, both)))
          }
          expect(bytesOf(records[0] as KeyRecord)).to.equal(expected)
        }),
        { numRuns: 400 },
      )
    })
  })
}

describe('lww with clocks that run as they like', () => {
  it('never drops the last version, whatever the stamps say', () => {
    const wild = fc.array(fc.tuple(step, fc.nat(20)), { maxLength: 40, size: 'max' })
    fc.assert(
      fc.property(wild, (steps) => {
        let record = EMPTY_RECORD
        let counter = 0
        for (const [{ at, request, attempt }, wallMs] of steps) {
          counter++
          const dot = { actor: ACTORS[at] as string, counter }
          const write: Write = {
            dot,
            stamp: { wallMs, logical: 0 },
            value: null,
            expiresAtMs: 0,
            request,
            attempt,
          }
          if (settlementOf(record, request) === undefined)
            record = writeRecord(record, write, undefined, 'lww')
          expect(record.siblings).to.not.be.empty
          expect(decodeRecord(KEY, encodeRecord(KEY, record))).to.deep.equal(record)
        }
      }),
    )
  })
})
