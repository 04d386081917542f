import { expect } from 'chai'
import fc from 'fast-check'
import {
  afterBurial,
  deathMs,
  type Floor,
  floorDigest,
  isBuried,
  joinFloors,
  LONG_PAST,
  NO_FLOOR,
  onFloor,
  reaches,
  readFloor,
  revives,
  settlesMs,
  withoutBuried,
  withShortPast,
  writeFloor,
} from '../../../server/causality/floor.ts'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'
import { dot, pastOf, record, sibling } from './records.ts'

/** A value, or with null a tombstone, with the dot as its stamp. */
const held = (name: string, value: string | null, expiresAtMs = 0) =>
  sibling(name, dot(name).counter, { value: value === null ? null : Buffer.from(value), expiresAtMs })

function floor(vector: Record<string, number>, expiredMs = 0): Floor {
  return { ...NO_FLOOR, vector: new Map(Object.entries(vector)), expiredMs }
}

const values = ({ siblings }: KeyRecord) => siblings.map(({ value }) => value?.toString() ?? null)

describe('the time of death', () => {
  it('is now for tombstones, then for what expires, and never for what stays', () => {
    expect(deathMs(record([], [held('a1', null)]), 'siblings')).to.equal(0)
    expect(deathMs(record(['a1'], []), 'lww')).to.equal(0)
    expect(deathMs(record([], [held('a1', 'x', 50), held('b1', 'y', 70)]), 'siblings')).to.equal(70)
    expect(deathMs(record([], [held('a1', null), held('b2', 'y')]), 'siblings')).to.equal(
      Number.POSITIVE_INFINITY,
    )
    expect(deathMs(EMPTY_RECORD, 'lww')).to.equal(Number.POSITIVE_INFINITY)
  })

  it('is the winner’s under lww: what it outranks is hidden', () => {
    expect(deathMs(record([], [held('a1', 'low'), held('b2', null)]), 'lww')).to.equal(0)
    expect(deathMs(record([], [held('a3', 'high'), held('b2', null)]), 'lww')).to.equal(
      Number.POSITIVE_INFINITY,
    )
  })
})

describe('a floor', () => {
  it('buries what it covers whole, and nothing else', () => {
    const tombstone = record(['b3'], [held('a5', null)])
    expect(isBuried(tombstone, floor({ a: 5, b: 3 }))).to.equal(true)
    expect(isBuried(tombstone, floor({ a: 4, b: 3 }))).to.equal(false)
    // Without the past, a late message could bring back what the tombstone has replaced.
    expect(isBuried(tombstone, floor({ a: 5, b: 2 }))).to.equal(false)
    expect(isBuried(record([], [held('a5', 'x')]), floor({ a: 9 }))).to.equal(false)
    expect(isBuried(record([], [held('a5', 'x', 40)]), floor({ a: 9 }, 39))).to.equal(false)
    expect(isBuried(record([], [held('a5', 'x', 40)]), floor({ a: 9 }, 40))).to.equal(true)
  })

  it('is done with what it buries when something newer comes, and with nothing else', () => {
    const tombstone = record(['b3'], [held('a5', null)])
    const rest = afterBurial(tombstone, floor({ a: 5, b: 3 }))
    expect(rest).to.deep.equal(record(['a5', 'b3'], []))
    expect(values(mergeRecords(rest, record([], [held('b9', 'new')])))).to.deep.equal(['new'])
    expect(afterBurial(tombstone, floor({ a: 4, b: 3 }))).to.equal(tombstone)
    const live = record([], [held('a5', null), held('b9', 'new')])
    expect(afterBurial(live, floor({ a: 5, b: 9 }))).to.equal(live)
    expect(afterBurial(EMPTY_RECORD, floor({ a: 5 }))).to.equal(EMPTY_RECORD)
  })

  it('keeps out what was deleted, and lets in what is here or above', () => {
    const incoming = record([], [held('a5', 'old'), held('b9', 'new')])
    expect(revives(incoming, EMPTY_RECORD, floor({ a: 5 }).vector)).to.equal(true)
    expect(values(withoutBuried(incoming, EMPTY_RECORD, floor({ a: 5, b: 8 })))).to.deep.equal(['new'])
    const own = record([], [held('a5', 'old')])
    expect(withoutBuried(incoming, own, floor({ a: 5 }))).to.equal(incoming)
    expect(withoutBuried(incoming, EMPTY_RECORD, NO_FLOOR)).to.equal(incoming)
  })

  it('tells another replica what is deleted, and keeps what is not', () => {
    const mine = record([], [held('a5', 'kept')])
    const theirs = record([], [held('a2', 'replaced'), held('b3', 'deleted'), held('b8', 'new')])
    const merged = mergeRecords(theirs, onFloor(mine, floor({ a: 7, b: 4 })))
    expect(values(merged)).to.deep.equal(['kept', 'new'])
    expect(values(mergeRecords(theirs, onFloor(EMPTY_RECORD, floor({ a: 7, b: 4 }))))).to.deep.equal(['new'])
    // A tombstone that is still to be buried is as good as buried.
    const due = onFloor(record([], [held('a5', null)]), floor({ a: 7, b: 4 }))
    expect(due).to.deep.equal(onFloor(EMPTY_RECORD, floor({ a: 7, b: 4 })))
  })

  it('comes through a message as it was, and its digest tells it from others', () => {
    const vectors = fc.dictionary(
      fc.string({ minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 1e9 }),
      {
        noNullPrototype: true,
      },
    )
    const floors = fc.tuple(vectors, fc.nat()).map(([vector, expiredMs]) => floor(vector, expiredMs))
    fc.assert(
      fc.property(floors, (sent) => {
        const read = readFloor(new ByteReader(writeFloor(new ByteWriter(), sent).finish()))
        expect([...read.vector].sort()).to.deep.equal([...sent.vector].sort())
        expect(read.expiredMs).to.equal(sent.expiredMs)
        expect(floorDigest(read)).to.equal(floorDigest(sent)).and.not.equal(0)
      }),
    )
    expect(floorDigest(NO_FLOOR)).to.equal(0)
    expect(floorDigest(floor({ a: 1 }))).not.to.equal(floorDigest(floor({ a: 2 })))
  })

  it('shortens a past that names many actors, where it covers them', () => {
    const names = Array.from({ length: LONG_PAST + 1 }, (_, i) => `${'abcdefghijklm'[i]}${i + 1}`)
    const long = record(names, [held('z9', 'kept')])
    const most = floor(Object.fromEntries(names.slice(1).map((name) => [dot(name).actor, dot(name).counter])))
    expect(settlesMs(long, 'lww')).to.equal(0)
    expect(pastOf(withShortPast(long, most))).to.deep.equal([names[0]])
    expect(values(withShortPast(long, most))).to.deep.equal(['kept'])
    expect(withShortPast(long, NO_FLOOR)).to.equal(long)
    const short = record(names.slice(1), [held('z9', 'kept')])
    expect(withShortPast(short, most)).to.equal(short)
    expect(settlesMs(short, 'lww')).to.equal(Number.POSITIVE_INFINITY)
  })

  it('rises only', () => {
    const low = floor({ a: 1, b: 5 }, 10)
    const joined = joinFloors(low, floor({ a: 3 }, 5))
    expect([[...joined.vector], joined.expiredMs]).to.deep.equal([
      [
        ['a', 3],
        ['b', 5],
      ],
      10,
    ])
    expect([reaches(joined, low), reaches(low, joined)]).to.deep.equal([true, false])
    expect(joinFloors(joined, low)).to.equal(joined)
  })
})
