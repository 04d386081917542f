import { expect } from 'chai'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { EMPTY_RECORD } from '../../../server/causality/record.ts'
import { contextOf, isLive, liveSiblings, winner, writeRecord } from '../../../server/causality/write.ts'
import { KvError } from '../../../shared/errors.ts'
import { dot, dotsOf, pastOf, record, sibling, write } from './records.ts'

describe('writeRecord', () => {
  it('replaces what its context covers and no more', () => {
    const before = record([], [sibling('a1', 1), sibling('b1', 2)])
    const after = writeRecord(before, write('a2', 3), new Map([['a', 1]]), 'siblings')
    expect(dotsOf(after.siblings)).to.deep.equal(['a2', 'b1'])
    expect(pastOf(after)).to.deep.equal(['a1'])
  })

  it('without a context is concurrent with all, under siblings', () => {
    const after = writeRecord(record([], [sibling('a1', 1)]), write('a2', 3), undefined, 'siblings')
    expect(dotsOf(after.siblings)).to.deep.equal(['a1', 'a2'])
  })

  it('remembers a context that covers what is not known here', () => {
    const after = writeRecord(EMPTY_RECORD, write('a1', 1), new Map([['b', 7]]), 'siblings')
    expect(pastOf(after)).to.deep.equal(['b7'])
    expect(mergeRecords(after, record([], [sibling('b7', 9)]))).to.equal(after)
  })

  it('does not let siblings grow when two clients write with their own stale contexts', () => {
    let held = EMPTY_RECORD
    const contexts = [contextOf(held), contextOf(held)]
    for (let i = 1; i <= 1_000; i++) {
      held = writeRecord(held, write(`a${i}`, i), contexts[i % 2], 'siblings')
      expect(held.siblings.length).to.be.at.most(2)
      contexts[i % 2] = new Map([['a', i]])
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
    refused(() => writeRecord(EMPTY_RECORD, write('a3', 2), new Map([['a', 5]]), 'siblings'))
  })

  it('does not apply a settled request again', () => {
    const first = writeRecord(EMPTY_RECORD, write('a1', 1, { request: 'q', retry: true }), undefined, 'lww')
    for (const retry of [true, false]) {
      expect(writeRecord(first, write('b2', 2, { request: 'q', retry }), undefined, 'lww')).to.equal(first)
    }
    const other = writeRecord(first, write('b2', 2, { request: 'p', retry: true }), undefined, 'lww')
    expect(dotsOf(other.siblings)).to.deep.equal(['b2'])
    expect(other.retired.map(({ request }) => request)).to.deep.equal(['p', 'q'])
  })

  it('hides the first attempt once a retry has settled the request', () => {
    const late = record([], [sibling('a1', 9, { request: 'q' })])
    const retried = writeRecord(EMPTY_RECORD, write('b1', 3, { request: 'q', retry: true }), undefined, 'lww')
    const next = writeRecord(retried, write('b2', 4), undefined, 'lww')
    const merged = mergeRecords(next, late)
    expect(winner(merged)?.dot).to.deep.equal(dot('b2'))
    expect(dotsOf(liveSiblings(merged, 0, 'siblings'))).to.deep.equal(['b2'])
    expect(dotsOf(liveSiblings(mergeRecords(retried, late), 0, 'siblings'))).to.deep.equal(['b1'])
  })

  it('replaces its own settled attempt with a second stamp', () => {
    const first = writeRecord(EMPTY_RECORD, write('a1', 1, { request: 'q', retry: true }), undefined, 'lww')
    const second = writeRecord(
      first,
      write('a2', 7, { request: 'q', retry: true }),
      new Map([['a', 1]]),
      'lww',
    )
    expect(dotsOf(second.siblings)).to.deep.equal(['a2'])
    expect(second.retired).to.deep.equal([{ request: 'q', dot: dot('a2') }])
  })

  it('is not made void by the attempt that it replaces', () => {
    const first = writeRecord(EMPTY_RECORD, write('b9', 1, { request: 'q', retry: true }), undefined, 'lww')
    const second = writeRecord(
      first,
      write('a2', 7, { request: 'q', retry: true }),
      new Map([['b', 9]]),
      'lww',
    )
    expect(dotsOf(liveSiblings(mergeRecords(second, first), 0, 'siblings'))).to.deep.equal(['a2'])
  })

  it('keeps both requests when their retries have replaced each other', () => {
    const p = { request: 'p' }
    const s = { request: 's' }
    let left = writeRecord(EMPTY_RECORD, write('a1', 1, { ...p, retry: true }), undefined, 'lww')
    left = writeRecord(left, write('a2', 2, s), undefined, 'lww')
    let right = writeRecord(EMPTY_RECORD, write('c1', 1, { ...s, retry: true }), undefined, 'lww')
    right = writeRecord(right, write('c2', 2, p), undefined, 'lww')
    expect(dotsOf(liveSiblings(mergeRecords(left, right), 0, 'siblings'))).to.deep.equal(['c2', 'a2'])
  })
})

describe('reading a record', () => {
  it('takes its context from the past and all siblings, void and dead ones too', () => {
    const held = record(['a3'], [sibling('a5', 1), sibling('b2', 1, { value: null })])
    expect([...contextOf(held)].sort()).to.deep.equal([
      ['a', 5],
      ['b', 2],
    ])
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
