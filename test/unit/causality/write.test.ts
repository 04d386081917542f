import { expect } from 'chai'
import { type Context, contextOf } from '../../../server/causality/context.ts'
import { mergeRecords } from '../../../server/causality/merge.ts'
import {
  EMPTY_RECORD,
  HIDDEN_ATTEMPT_MS,
  type KeyRecord,
  RETRY_WINDOW_MS,
  type Sibling,
} from '../../../server/causality/record.ts'
import { settlementOf } from '../../../server/causality/retirement.ts'
import {
  isLive,
  liveSiblings,
  restampSibling,
  rewriteSibling,
  winner,
  writeRecord,
} from '../../../server/causality/write.ts'
import { KvError } from '../../../shared/errors.ts'
import { dot, dotsOf, pastOf, record, retired, sibling, write } from './records.ts'

describe('writeRecord', () => {
  it('replaces what its context covers and no more', () => {
    const before = record([], [sibling('a1', 1), sibling('b1', 2)])
    const after = writeRecord(before, write('a2', 3), { vector: new Map([['a', 1]]), seen: [] }, 'siblings')
    expect(dotsOf(after.siblings)).to.deep.equal(['a2', 'b1'])
    expect(pastOf(after)).to.deep.equal(['a1'])
  })

  it('without a context is concurrent with all, under siblings', () => {
    const after = writeRecord(record([], [sibling('a1', 1)]), write('a2', 3), undefined, 'siblings')
    expect(dotsOf(after.siblings)).to.deep.equal(['a1', 'a2'])
  })

  it('remembers a context that covers what is not known here', () => {
    const after = writeRecord(
      EMPTY_RECORD,
      write('a1', 1),
      { vector: new Map([['b', 7]]), seen: [] },
      'siblings',
    )
    expect(pastOf(after)).to.deep.equal(['b7'])
    expect(mergeRecords(after, record([], [sibling('b7', 9)]))).to.equal(after)
  })

  it('does not let siblings grow when two clients write with their own stale contexts', () => {
    let held = EMPTY_RECORD
    const contexts = [contextOf(held, 0), contextOf(held, 0)]
    for (let i = 1; i <= 1_000; i++) {
      held = writeRecord(held, write(`a${i}`, i), contexts[i % 2], 'siblings')
      expect(held.siblings.length).to.be.at.most(2)
      contexts[i % 2] = { vector: new Map([['a', i]]), seen: [] }
    }
  })

  it('replaces what ranks lower, under lww', () => {
    const before = record([], [sibling('b1', 1), sibling('c1', 9)])
    const after = writeRecord(before, write('a1', 5), undefined, 'lww')
    expect(dotsOf(after.siblings)).to.deep.equal(['a1', 'c1'])
    expect(pastOf(after)).to.deep.equal(['b1'])
    expect(winner(after)?.dot).to.deep.equal(dot('c1'))
  })

  it('breaks a tie of stamps by actor', () => {
    expect(
      dotsOf(writeRecord(record([], [sibling('b1', 5)]), write('a1', 5), undefined, 'lww').siblings),
    ).to.deep.equal(['a1', 'b1'])
    expect(
      dotsOf(writeRecord(record([], [sibling('a1', 5)]), write('b1', 5), undefined, 'lww').siblings),
    ).to.deep.equal(['b1'])
  })

  it('refuses a dot that was given out before', () => {
    const refused = (run: () => unknown): void => {
      expect(run).to.throw(KvError).with.property('code', 'invariant')
    }
    refused(() => writeRecord(record(['a3'], []), write('a3', 1), undefined, 'lww'))
    refused(() => writeRecord(record([], [sibling('a3', 1)]), write('a3', 2), undefined, 'siblings'))
    refused(() =>
      writeRecord(EMPTY_RECORD, write('a3', 2), { vector: new Map([['a', 5]]), seen: [] }, 'siblings'),
    )
  })

  it('notes the requests that its writer had seen, here or elsewhere', () => {
    const before = record([], [sibling('a1', 1, { request: 'p' }), sibling('b1', 2, { request: 'q' })])
    const read: Context = {
      vector: new Map([
        ['a', 1],
        ['c', 4],
      ]),
      seen: [retired('s', 'c4')],
    }
    const after = writeRecord(before, write('a2', 3), read, 'siblings')
    expect(dotsOf(after.siblings)).to.deep.equal(['a2', 'b1'])
    expect(after.retired).to.deep.equal([retired('p', 'a1', { wallMs: 1 }), retired('s', 'c4')])
  })

  it('notes a retried request that it outranks, and no other', () => {
    const before = record(
      [],
      [sibling('b1', 1, { request: 'p', attempt: 1 }), sibling('c1', 2, { request: 'q' })],
    )
    const after = writeRecord(before, write('a1', 5), undefined, 'lww')
    expect(after.retired).to.deep.equal([retired('p', 'b1', { attempt: 1, seen: false, wallMs: 1 })])
  })

  it('forgets a request when no retry of it can come any more', () => {
    const first = retired('p', 'b1', { wallMs: 0 })
    const later = retired('q', 'b2', { wallMs: 0, attempt: 1 })
    const at = (wallMs: number) =>
      writeRecord(record(['b2'], [], [first, later]), write('a1', wallMs), undefined, 'lww').retired
    expect(at(RETRY_WINDOW_MS - 1)).to.deep.equal([first, later])
    expect(at(RETRY_WINDOW_MS)).to.deep.equal([later])
    expect(at(HIDDEN_ATTEMPT_MS)).to.deep.equal([])
  })
})

describe('a request with several attempts', () => {
  const seenBy = (name: string): Context => ({
    vector: new Map([[dot(name).actor, dot(name).counter]]),
    seen: [],
  })

  it('stands where its latest attempt does', () => {
    const held = record(
      [],
      [sibling('a1', 9, { request: 'q' }), sibling('b1', 3, { request: 'q', attempt: 2 })],
    )
    expect(settlementOf(held, 'q')).to.include({ attempt: 2, sibling: held.siblings[1] })
    expect(settlementOf(held, 'p')).to.equal(undefined)
    expect(settlementOf(held, '')).to.equal(undefined)
    expect(winner(held)?.dot).to.deep.equal(dot('b1'))
    expect(dotsOf(liveSiblings(held, 0, 'siblings'))).to.deep.equal(['b1'])
  })

  it('does not come back with a late first attempt once a retry was outranked', () => {
    const retried = writeRecord(EMPTY_RECORD, write('b1', 3, { request: 'q', attempt: 1 }), undefined, 'lww')
    const next = writeRecord(retried, write('b2', 4), undefined, 'lww')
    const merged = mergeRecords(next, record([], [sibling('a1', 9, { request: 'q' })]))
    expect(winner(merged)?.dot).to.deep.equal(dot('b2'))
    expect(settlementOf(merged, 'q')).to.deep.equal({ attempt: 1, dot: dot('b1'), sibling: undefined })
  })

  it('does not come back with a retry once somebody has seen and replaced it', () => {
    const first = writeRecord(EMPTY_RECORD, write('a1', 1, { request: 'q' }), undefined, 'siblings')
    const next = writeRecord(first, write('a2', 2), seenBy('a1'), 'siblings')
    const late = writeRecord(
      EMPTY_RECORD,
      write('b1', 9, { request: 'q', attempt: 1 }),
      undefined,
      'siblings',
    )
    expect(dotsOf(liveSiblings(mergeRecords(next, late), 0, 'siblings'))).to.deep.equal(['a2'])
  })

  it('keeps an attempt that another one stands above: a later one may still take it over', () => {
    const held = record(
      [],
      [sibling('a1', 9, { request: 'q' }), sibling('b1', 3, { request: 'q', attempt: 1 })],
    )
    const left = writeRecord(held, write('c1', 1), undefined, 'siblings')
    const taken = restampSibling(held, dot('a1'), {
      stamp: { wallMs: 12, logical: 0 },
      expiresAtMs: 0,
      attempt: 2,
    })
    const right = writeRecord(taken as KeyRecord, write('d1', 1), undefined, 'siblings')
    const shown = liveSiblings(mergeRecords(left, right), 0, 'siblings')
    expect(dotsOf(shown)).to.deep.equal(['a1', 'd1', 'c1'])
  })

  it('is dropped by the next write once somebody has seen and replaced it', () => {
    const held = record(['a1'], [sibling('b1', 3, { request: 'q', attempt: 1 })], [retired('q', 'a1')])
    expect(dotsOf(writeRecord(held, write('c1', 1), undefined, 'siblings').siblings)).to.deep.equal(['c1'])
  })

  it('shows everything where all is void, rather than losing it', () => {
    const held = record(
      ['a1', 'c1'],
      [sibling('a2', 2, { request: 's' }), sibling('c2', 2, { request: 'p' })],
      [retired('p', 'a1'), retired('s', 'c1')],
    )
    expect(dotsOf(liveSiblings(held, 0, 'siblings'))).to.deep.equal(['c2', 'a2'])
  })

  it('keeps its dot and value when it is stamped again', () => {
    const held = record([], [sibling('a1', 1, { request: 'q' }), sibling('b1', 5)])
    const again = { stamp: { wallMs: 7, logical: 2 }, expiresAtMs: 9, attempt: 1 }
    const lifted = restampSibling(held, dot('a1'), again)
    expect(lifted?.siblings[0]).to.deep.equal({ ...sibling('a1', 7, { request: 'q' }), ...again })
    expect(lifted?.siblings[1]).to.equal(held.siblings[1])
    expect(restampSibling(held, dot('a2'), again)).to.equal(undefined)
    expect(restampSibling(lifted as KeyRecord, dot('a1'), { ...again, attempt: 0 })).to.equal(undefined)
  })

  it('rises again, under a fresh dot, where it was dropped for its rank', () => {
    const held = record([], [sibling('a1', 1, { request: 'q' }), sibling('b1', 9)])
    const dropped = writeRecord(record([], [held.siblings[0] as Sibling]), write('c1', 5), undefined, 'lww')
    const again = { stamp: { wallMs: 10, logical: 0 }, expiresAtMs: 0, attempt: 0 }
    const restamped = restampSibling(held, dot('a1'), again) as KeyRecord
    expect(winner(mergeRecords(restamped, dropped))?.dot).to.deep.equal(dot('b1'))
    const rewritten = rewriteSibling(held, dot('a1'), { ...again, dot: dot('a2') }) as KeyRecord
    expect(pastOf(rewritten)).to.deep.equal(['a1'])
    expect(winner(mergeRecords(rewritten, dropped))?.dot).to.deep.equal(dot('a2'))
    expect(rewriteSibling(rewritten, dot('a1'), { ...again, dot: dot('a3') })).to.equal(undefined)
    const later = rewriteSibling(held, dot('a1'), { ...again, dot: dot('a2'), attempt: 1 }) as KeyRecord
    expect(rewriteSibling(later, dot('a2'), { ...again, dot: dot('a3') })).to.equal(undefined)
  })

  it('does not rise above a write that has seen it, under whatever name', () => {
    for (const request of ['q', '']) {
      const first = writeRecord(EMPTY_RECORD, write('a1', 1, { request }), undefined, 'lww')
      const next = writeRecord(first, write('b1', 2), contextOf(first, 0), 'lww')
      const again = { stamp: { wallMs: 10, logical: 0 }, expiresAtMs: 0, attempt: 0 }
      const lifted = rewriteSibling(first, dot('a1'), { ...again, dot: dot('a2') }) as KeyRecord
      expect(winner(mergeRecords(lifted, next))?.dot, request).to.deep.equal(dot('b1'))
      const old = writeRecord(first, write('b1', 2), seenBy('a1'), 'lww')
      expect(winner(mergeRecords(lifted, old))?.dot, request).to.deep.equal(dot('b1'))
      // Nor where the coordinator of the next write knew it from the context only.
      const elsewhere = writeRecord(EMPTY_RECORD, write('b1', 2), contextOf(first, 0), 'lww')
      expect(winner(mergeRecords(lifted, elsewhere))?.dot, request).to.deep.equal(dot('b1'))
    }
  })

  it('stays beside its fresh dot while an earlier value of its actor does', () => {
    const held = record([], [sibling('a1', 9), sibling('a2', 1, { request: 'q' })])
    const again = { dot: dot('a3'), stamp: { wallMs: 10, logical: 0 }, expiresAtMs: 0, attempt: 0 }
    const rewritten = rewriteSibling(held, dot('a2'), again) as KeyRecord
    expect([pastOf(rewritten), dotsOf(rewritten.siblings)]).to.deep.equal([[], ['a1', 'a2', 'a3']])
    expect(dotsOf(liveSiblings(rewritten, 0, 'siblings'))).to.deep.equal(['a3', 'a1'])
  })
})

describe('reading a record', () => {
  it('takes its context from the past and all siblings, void and dead ones too', () => {
    const held = record(['a3'], [sibling('a5', 1), sibling('b2', 1, { value: null })])
    expect([...contextOf(held, 0).vector].sort()).to.deep.equal([
      ['a', 5],
      ['b', 2],
    ])
  })

  it('takes along the requests of which a retry may still come', () => {
    const held = record(
      [],
      [
        sibling('a1', 100_000, { request: 'q' }),
        sibling('b1', 1, { request: 'old' }),
        sibling('c1', 1, { request: 'p', attempt: 1 }),
        sibling('d1', 100_000),
      ],
    )
    expect(contextOf(held, 100_000).seen.map(({ request }) => request)).to.deep.equal(['d:1', 'p', 'q'])
  })

  it('knows values, tombstones and what has expired', () => {
    expect(isLive(sibling('a1', 1), 1e15)).to.equal(true)
    expect(isLive(sibling('a1', 1, { value: Buffer.alloc(0) }), 0)).to.equal(true)
    expect(isLive(sibling('a1', 1, { value: null }), 0)).to.equal(false)
    expect(isLive(sibling('a1', 1, { expiresAtMs: 50 }), 49)).to.equal(true)
    expect(isLive(sibling('a1', 1, { expiresAtMs: 50 }), 50)).to.equal(false)
  })

  it('shows all that live, highest first, under siblings', () => {
    const held = record(
      [],
      [sibling('a1', 3), sibling('b1', 9, { value: null }), sibling('c1', 5), sibling('d1', 5)],
    )
    expect(dotsOf(liveSiblings(held, 0, 'siblings'))).to.deep.equal(['d1', 'c1', 'a1'])
  })

  it('shows nothing under lww when the winner is a tombstone or has expired', () => {
    const deleted = record([], [sibling('a1', 3), sibling('b1', 9, { value: null })])
    const expired = record([], [sibling('a1', 3), sibling('b1', 9, { expiresAtMs: 20 })])
    expect(liveSiblings(deleted, 0, 'lww')).to.deep.equal([])
    expect(liveSiblings(expired, 20, 'lww')).to.deep.equal([])
    expect(dotsOf(liveSiblings(expired, 19, 'lww'))).to.deep.equal(['b1'])
    expect(winner(EMPTY_RECORD)).to.equal(undefined)
  })
})
