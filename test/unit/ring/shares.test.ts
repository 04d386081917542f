import { expect } from 'chai'
import fc from 'fast-check'
import { fairShares } from '../../../server/ring/shares.ts'

const SLOTS = 1_000

function shares(members: [zone: string, weight: number][], n: number): number[] {
  const named = members.map(([zone, weight], i) => ({ id: `n${i}`, zone, weight }))
  return fairShares(named, n, SLOTS).map((share) => Math.round(share))
}

describe('fairShares', () => {
  it('divides n times the slots by weight', () => {
    expect(
      shares(
        [
          ['', 1],
          ['', 1],
          ['', 1],
          ['', 1],
        ],
        3,
      ),
    ).to.deep.equal([750, 750, 750, 750])
    expect(
      shares(
        [
          ['', 1],
          ['', 2],
          ['', 3],
        ],
        1,
      ),
    ).to.deep.equal([167, 333, 500])
  })

  it('gives nobody more than all the slots', () => {
    expect(
      shares(
        [
          ['', 10],
          ['', 1],
          ['', 1],
          ['', 1],
          ['', 1],
        ],
        3,
      ),
    ).to.deep.equal([1000, 500, 500, 500, 500])
  })

  it('makes a small zone own what it must, and a large one no more than it may', () => {
    expect(
      shares(
        [
          ['a', 1],
          ['b', 1],
          ['c', 1],
          ['c', 1],
        ],
        3,
      ),
    ).to.deep.equal([1000, 1000, 500, 500])
    expect(
      shares(
        [
          ['a', 1],
          ['a', 1],
          ['a', 1],
          ['b', 1],
        ],
        2,
      ),
    ).to.deep.equal([333, 333, 333, 1000])
    expect(
      shares(
        [
          ['a', 9],
          ['b', 1],
          ['c', 1],
        ],
        2,
      ),
    ).to.deep.equal([1000, 500, 500])
  })

  it('gives a small zone a copy of every slot where there are fewer zones than copies', () => {
    const members: [string, number][] = [
      ['a', 9],
      ['a', 9],
      ['b', 9],
      ['b', 9],
      ['c', 0.1],
    ]
    expect(shares(members, 4)).to.deep.equal([750, 750, 750, 750, 1000])
  })

  it('adds up, for any zones and weights', () => {
    const member = fc.tuple(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    )
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 9 }), fc.nat(8), (members, more) => {
        const n = 1 + (more % members.length)
        const named = members.map(([zone, weight], i) => ({ id: `n${i}`, zone, weight }))
        const all = fairShares(named, n, SLOTS)
        for (const share of all) expect(share).to.be.within(0, SLOTS)
        expect(all.reduce((sum, share) => sum + share, 0)).to.be.closeTo(n * SLOTS, 0.01)
      }),
    )
  })
})
