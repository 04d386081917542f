import { expect } from 'chai'
import { BucketSet, bucketOf, bucketsFor, MAX_BUCKETS } from '../../../server/anti-entropy/buckets.ts'
import { DigestSums } from '../../../server/anti-entropy/leaves.ts'
import { hashKey, RecordDigest } from '../../../server/anti-entropy/record-digest.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { encodedOf } from '../records.ts'

const digestOf = (key: Key, counter: number) => {
  const { lo, hi } = new RecordDigest().read(key, encodedOf(key, 'a', counter))
  return `${lo} ${hi}`
}

describe('RecordDigest', () => {
  it('is the same for the same record, and another for any other key or version', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 2000; i++) {
      for (const counter of [1, 2, 300]) seen.add(digestOf(keyFromText(`k${i}`), counter))
    }
    expect(seen.size).to.equal(6000)
    expect(digestOf(keyFromText('k5'), 2)).to.equal(digestOf(keyFromText('k5'), 2))
  })

  it('does not cancel out where two records change alike', () => {
    const [a, b] = [keyFromText('aaaa'), keyFromText('bbbb')]
    const sums = new DigestSums(2)
    const digest = new RecordDigest()
    for (const [place, counters] of [
      [1, 2],
      [2, 1],
    ].entries()) {
      sums.add(place, digest.read(a, encodedOf(a, 'a', counters[0] as number)))
      sums.add(place, digest.read(b, encodedOf(b, 'a', counters[1] as number)))
    }
    expect(sums.same(0, sums, 1)).to.equal(false)
  })
})

describe('DigestSums', () => {
  it('does not depend on the order, and takes out what was added', () => {
    const sums = new DigestSums(2)
    const some = [5, 0xffff_ffff, 77].map((lo) => ({ lo, hi: lo ^ 0x5555 }))
    for (const each of some) sums.add(0, each)
    for (const each of some.toReversed()) sums.add(1, each)
    expect(sums.same(0, sums, 1)).to.equal(true)
    expect(sums.count(0)).to.equal(3)
    for (const each of some) sums.subtract(0, each)
    expect([...sums.words.subarray(0, 3)]).to.deep.equal([0, 0, 0])
  })
})

describe('buckets', () => {
  it('double as the slot grows, up to a limit', () => {
    expect([0, 256, 257, 1000, 100_000, 10_000_000].map(bucketsFor)).to.deep.equal([
      1,
      1,
      8,
      16,
      2048,
      MAX_BUCKETS,
    ])
  })

  it('take about as many keys each', () => {
    const counts = new Array<number>(64).fill(0)
    for (let i = 0; i < 64_000; i++) {
      const bucket = bucketOf(hashKey(keyFromText(`{hot}-${i}`)), 64)
      counts[bucket] = (counts[bucket] as number) + 1
    }
    expect(Math.min(...counts)).to.be.greaterThan(800)
    expect(Math.max(...counts)).to.be.lessThan(1200)
  })

  it('are named by a bit each', () => {
    const set = BucketSet.of(20, [0, 9, 19])
    expect(set.bits).to.have.length(3)
    expect(Array.from({ length: 20 }, (_, i) => i).filter((bucket) => set.has(bucket))).to.deep.equal([
      0, 9, 19,
    ])
    expect(set.has(200)).to.equal(false)
  })
})
