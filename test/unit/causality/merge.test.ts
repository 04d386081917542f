import { expect } from 'chai'
import { mergeRecords } from '../../../server/causality/merge.ts'
import {
  EMPTY_RECORD,
  type KeyRecord,
  MAX_RETIRED,
  RETRIED_BONUS_MS,
  type Retirement,
} from '../../../server/causality/record.ts'
import { winner } from '../../../server/causality/write.ts'
import { dot, dotsOf, pastOf, record, retired, sibling } from './records.ts'

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
    const a = record(['a3'], [sibling('b1', 1)], [retired('q', 'a3')])
    expect(mergeRecords(a, a)).to.equal(a)
    expect(mergeRecords(a, EMPTY_RECORD)).to.equal(a)
    expect(mergeRecords(a, record([], [sibling('a2', 9)]))).to.equal(a)
    expect(mergeRecords(a, record(['a3'], [sibling('b1', 1)], [retired('q', 'a3')]))).to.equal(a)
    expect(mergeRecords(EMPTY_RECORD, a)).to.equal(a)
  })

  it('returns another record when the second adds anything', () => {
    const a = record(['a3'], [sibling('b1', 1)])
    for (const b of [
      record(['a4'], []),
      record([], [sibling('a4', 1)]),
      record([], [], [retired('q', 'a1')]),
    ]) {
      expect(mergeRecords(a, b)).to.not.equal(a)
      expect(mergeRecords(b, a)).to.not.equal(b)
    }
  })

  it('takes the later attempt at a write that was stamped again, and of one attempt the higher stamp', () => {
    const stamped = (wallMs: number, attempt: number) => record([], [sibling('a1', wallMs, { attempt })])
    for (const [kept, lost] of [
      [stamped(2, 0), stamped(1, 0)],
      [stamped(1, 1), stamped(2, 0)],
    ] as const) {
      expect(mergeRecords(lost, kept)).to.deep.equal(kept)
      expect(mergeRecords(kept, lost)).to.equal(kept)
    }
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

  it('keeps of two retirements of one request the one that makes more attempts void', () => {
    const rising = [
      retired('q', 'a1', { seen: false }),
      retired('q', 'b2', { seen: false }),
      retired('q', 'a1', { seen: false, attempt: 1 }),
      retired('q', 'a1'),
      retired('q', 'a1', { attempt: 1 }),
      retired('q', 'a1', { attempt: 1, wallMs: 5 }),
    ]
    for (let i = 1; i < rising.length; i++) {
      const less = record([], [], [rising[i - 1] as Retirement])
      const more = record([], [], [rising[i] as Retirement])
      expect(mergeRecords(less, more)).to.deep.equal(more)
      expect(mergeRecords(more, less)).to.equal(more)
    }
  })

  it('remembers the youngest MAX_RETIRED, and older ones that were retried, in whatever order they come', () => {
    const parts = Array.from({ length: 3 * MAX_RETIRED }, (_, i) => {
      const request = `q${((i * 7) % 1000).toString().padStart(4, '0')}`
      return record([], [], [retired(request, `a${i + 1}`, { wallMs: i, attempt: i % 12 === 0 ? 1 : 0 })])
    })
    const forth = parts.reduce((a, b) => mergeRecords(a, b))
    const back = parts.reduceRight((a, b) => mergeRecords(a, b))
    expect(forth).to.deep.equal(back)
    expect(forth.retired).to.have.length(MAX_RETIRED)
    expect(forth.retired.filter(({ attempt }) => attempt > 0)).to.have.length(16)
    const ages = forth.retired.filter(({ attempt }) => attempt === 0).map(({ wallMs }) => wallMs)
    expect(Math.min(...ages)).to.be.at.least(2 * MAX_RETIRED)
    const requests = forth.retired.map((retirement) => retirement.request)
    expect(requests).to.deep.equal([...requests].sort())
  })

  it('does not forget what was replaced a moment ago for requests that were retried long before', () => {
    const old = Array.from({ length: MAX_RETIRED }, (_, i) =>
      record([], [], [retired(`old${i}`, `a${i + 1}`, { wallMs: i, attempt: 1 })]),
    )
    const young = record([], [], [retired('young', 'b1', { wallMs: RETRIED_BONUS_MS + 100 })])
    const full = old.reduce((a, b) => mergeRecords(a, b))
    expect(full.retired).to.have.length(MAX_RETIRED)
    const requests = mergeRecords(full, young).retired.map(({ request }) => request)
    expect(requests).to.include('young').and.have.length(MAX_RETIRED)
    expect(requests).to.not.include('old0')
    const sooner = record([], [], [retired('sooner', 'b1', { wallMs: RETRIED_BONUS_MS - 100 })])
    expect(mergeRecords(full, sooner)).to.equal(full)
  })
})
