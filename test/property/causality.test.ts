import { expect } from 'chai'
import fc from 'fast-check'
import { compareDots } from '../../server/causality/dot.ts'
import { mergeRecords } from '../../server/causality/merge.ts'
import { type ConflictPolicy, EMPTY_RECORD, type KeyRecord } from '../../server/causality/record.ts'
import { decodeRecord, encodeRecord } from '../../server/causality/record-codec.ts'
import { covers } from '../../server/causality/version-vector.ts'
import { contextOf, liveSiblings, type Write, winner, writeRecord } from '../../server/causality/write.ts'
import { keyFromText } from '../../shared/key.ts'
import {
  current,
  type Event,
  happen,
  highest,
  type Known,
  replacedIn,
  seenBy,
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
  readonly type: 'write' | 'merge' | 'send' | 'deliver'
  readonly at: number
  readonly other: number
  /** What the writer had read: nothing, another replica, what it read last, or its own replica (a second stamp). */
  readonly context: 'none' | 'fresh' | 'stale' | 'own'
  readonly request: string
  readonly retry: boolean
  /** Actors' clocks differ, but each one's rises. */
  readonly tick: number
  readonly skip: number
}

const step: fc.Arbitrary<Step> = fc.record({
  type: fc.constantFrom('write', 'write', 'merge', 'merge', 'send', 'deliver'),
  at: fc.nat(ACTORS.length - 1),
  other: fc.nat(ACTORS.length - 1),
  context: fc.constantFrom('none', 'fresh', 'stale', 'own'),
  request: fc.constantFrom(...REQUESTS),
  retry: fc.boolean(),
  tick: fc.integer({ min: 1, max: 30 }),
  skip: fc.integer({ min: 1, max: 4 }),
})

/** Runs the steps on records and on sets at once; calls `check` for every view that comes about. */
function run(steps: readonly Step[], policy: ConflictPolicy, check: (view: View) => void): View[] {
  const empty: View = { record: EMPTY_RECORD, known: new Set() }
  const views: View[] = ACTORS.map(() => empty)
  const reads: View[] = ACTORS.map(() => empty)
  const messages: View[] = []
  const clocks = ACTORS.map(() => 0)
  const counters = ACTORS.map(() => 0)
  const place = (at: number, view: View): void => {
    views[at] = view
    check(view)
  }
  for (const { type, at, other, context, request, retry, tick, skip } of steps) {
    const here = views[at] as View
    if (type === 'merge') place(at, meet(here, views[other] as View))
    else if (type === 'send') messages.push(here)
    else if (type === 'deliver') {
      const message = messages[(other * 7 + tick) % Math.max(messages.length, 1)]
      if (message !== undefined) place(at, meet(here, message))
    } else {
      clocks[at] = (clocks[at] as number) + tick
      counters[at] = (counters[at] as number) + skip
      if (context === 'fresh') reads[at] = views[other] as View
      if (context === 'own') reads[at] = here
      const dot = { actor: ACTORS[at] as string, counter: counters[at] as number }
      const value = tick % 5 === 0 ? null : Buffer.from(`${dot.actor}${dot.counter}`)
      const stamp = { wallMs: clocks[at] as number, logical: 0 }
      const read = context === 'none' ? empty : (reads[at] as View)
      // A request has one context over all its attempts, read before the first of them.
      const possible = [...seenBy(read.known)].every(
        (event) => event.named !== request || here.known.has(event),
      )
      const write: Write = { dot, stamp, value, expiresAtMs: 0, request: possible ? request : '', retry }
      place(at, apply(here, write, read, policy))
    }
  }
  return views
}

function apply(here: View, write: Write, read: View, policy: ConflictPolicy): View {
  const context = contextOf(read.record)
  const event = happen(here.known, write, seenBy(read.known), policy)
  const record = writeRecord(here.record, write, context.size === 0 ? undefined : context, policy)
  if (event === undefined) expect(record, 'a settled request changes nothing').to.equal(here.record)
  // A context of events that are not known here brings no values along, but it does stand for them.
  return { record, known: event === undefined ? here.known : union(here.known, new Set([event])) }
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

for (const policy of ['siblings', 'lww'] as const) {
  describe(`causality against plain sets of events, ${policy}`, () => {
    it('keeps exactly the versions that no known write has replaced', () => {
      fc.assert(
        fc.property(history, (steps) => {
          run(steps, policy, ({ record, known }) => {
            expect(dotsOf(record)).to.deep.equal(named(current(known)))
            for (const event of replacedIn(known)) expect(covers(record.past, event.write.dot)).to.equal(true)
          })
        }),
        { numRuns: 400 },
      )
    })

    it('shows the highest of them, and never nothing after a write', () => {
      fc.assert(
        fc.property(history, (steps) => {
          run(steps, policy, ({ record, known }) => {
            if (known.size > 0) expect(record.siblings).to.not.be.empty
            const top = highest(visible(known))
            expect(winner(record)?.dot).to.deep.equal(top?.write.dot)
            const readable = policy === 'siblings' ? visible(known) : top === undefined ? [] : [top]
            const live = readable.filter((event) => event.write.value !== null)
            const shown = liveSiblings(record, 0, policy).map(({ dot }) => `${dot.actor}${dot.counter}`)
            expect(shown).to.have.members(named(live))
          })
        }),
        { numRuns: 400 },
      )
    })

    it('gives the same record in whatever order replicas meet', () => {
      fc.assert(
        fc.property(history, fc.infiniteStream(fc.nat()), (steps, picks) => {
          const views = run(steps, policy, () => {})
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
        for (const [{ at, request, retry }, wallMs] of steps) {
          counter++
          const dot = { actor: ACTORS[at] as string, counter }
          const write: Write = {
            dot,
            stamp: { wallMs, logical: 0 },
            value: null,
            expiresAtMs: 0,
            request,
            retry,
          }
          const before = record
          record = writeRecord(record, write, undefined, 'lww')
          const written = record.siblings.some((sibling) => sibling.dot.counter === counter)
          expect(written || record === before).to.equal(true)
          expect(decodeRecord(KEY, encodeRecord(KEY, record))).to.deep.equal(record)
        }
      }),
    )
  })
})
