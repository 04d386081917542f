import { expect } from 'chai'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord, MAX_RETIRED } from '../../../server/causality/record.ts'
import { winner } from '../../../server/causality/write.ts'
import { dot, dotsOf, pastOf, record, sibling } from './records.ts'

describe('mergeRecords', () => {
  it('keeps versions that are concurrent, in dot order', () => {
    const merged = mergeRecords(
      record([], [sibling('b1', 1)]),
      record([], [sibling('a3', 2), sibling('c1', 3)]),
    )
    expect(dotsOf(merged.siblings)).to.deep.equal(['a3', 'b1', 'c1'])
    expect(merged.past.size).to.equal(0)
  })

  it('drops a version that the other side has replaced', () => {
    const merged = mergeRecords(record([], [sibling('a3', 9)]), record(['a3'], [sibling('b1', 1)]))
    expect(dotsOf(merged.siblings)).to.deep.equal(['b1'])
    expect(pastOf(merged)).to.deep.equal(['a3'])
  })

  it('keeps a later version of an actor whose earlier one was replaced', () => {
    const merged = mergeRecords(record(['a3'], [sibling('b1', 1)]), record([], [sibling('a4', 1)]))
    expect(dotsOf(merged.siblings)).to.deep.equal(['a4', 'b1'])
  })

  it('returns its first argument when the second adds nothing', () => {
    const a = record(['a3'], [sibling('b1', 1)], [{ request: 'q', dot: dot('b1') }])
    expect(mergeRecords(a, a)).to.equal(a)
    expect(mergeRecords(a, EMPTY_RECORD)).to.equal(a)
    expect(mergeRecords(a, record([], [sibling('a2', 9)]))).to.equal(a)
    expect(mergeRecords(a, record(['a3'], [sibling('b1', 1)], [{ request: 'q', dot: dot('b1') }]))).to.equal(
      a,
    )
    expect(mergeRecords(EMPTY_RECORD, a)).to.equal(a)
  })

  it('returns another record when the second adds anything', () => {
    const a = record(['a3'], [sibling('b1', 1)])
    for (const b of [
      record(['a4'], []),
      record([], [sibling('a4', 1)]),
      record([], [], [{ request: 'q', dot: dot('a1') }]),
    ]) {
      expect(mergeRecords(a, b)).to.not.equal(a)
      expect(mergeRecords(b, a)).to.not.equal(b)
    }
  })

  it('settles on the higher stamp if ever one dot has two', () => {
    const low = record([], [sibling('a1', 1)])
    const high = record([], [sibling('a1', 2)])
    expect(mergeRecords(low, high).siblings[0]?.stamp.wallMs).to.equal(2)
    expect(mergeRecords(high, low).siblings[0]?.stamp.wallMs).to.equal(2)
  })

  it('does not lose all to a write with a slow clock, in any order', () => {
    // c1 has seen b1, whose stamp is above its own, and a1 is concurrent with both.
    const parts = [
      record([], [sibling('a1', 5)]),
      record([], [sibling('b1', 10)]),
      record(['b1'], [sibling('c1', 3)]),
    ]
    const [a, b, c] = parts as [KeyRecord, KeyRecord, KeyRecord]
    const first = mergeRecords(mergeRecords(a, b), c)
    const second = mergeRecords(mergeRecords(a, c), b)
    expect(dotsOf(mergeRecords(first, second).siblings)).to.deep.equal(['a1', 'c1'])
    expect(first).to.deep.equal(second)
    expect(winner(first)?.dot).to.deep.equal(dot('a1'))
  })

  it('prefers the higher dot where two retries have settled one request', () => {
    const a = record([], [sibling('a1', 1, { request: 'q' })], [{ request: 'q', dot: dot('a1') }])
    const b = record([], [sibling('b2', 1, { request: 'q' })], [{ request: 'q', dot: dot('b2') }])
    for (const merged of [mergeRecords(a, b), mergeRecords(b, a)]) {
      expect(merged.retired).to.deep.equal([{ request: 'q', dot: dot('b2') }])
      expect(winner(merged)?.dot).to.deep.equal(dot('b2'))
    }
  })

  it('remembers the highest retirements, at most MAX_RETIRED, in whatever order they come', () => {
    const one = (i: number): KeyRecord =>
      record([], [], [{ request: `q${(i * 7) % 20}`, dot: dot(`a${i + 1}`) }])
    const parts = Array.from({ length: 20 }, (_, i) => one(i))
    const forth = parts.reduce((a, b) => mergeRecords(a, b))
    const back = parts.reduceRight((a, b) => mergeRecords(a, b))
    expect(forth).to.deep.equal(back)
    expect(forth.retired).to.have.length(MAX_RETIRED)
    const counters = forth.retired.map((retirement) => retirement.dot.counter).sort((a, b) => a - b)
    expect(counters).to.deep.equal([13, 14, 15, 16, 17, 18, 19, 20])
    const requests = forth.retired.map((retirement) => retirement.request)
    expect(requests).to.deep.equal([...requests].sort())
  })
})
