import { expect } from 'chai'
import fc from 'fast-check'
import type { VersionVector } from '../../../server/causality/record.ts'
import {
  covers,
  descends,
  foldDot,
  joinVectors,
  vectorEquals,
} from '../../../server/causality/version-vector.ts'

const ACTORS = ['a', 'b', 'c']
const vector = fc
  .array(fc.tuple(fc.constantFrom(...ACTORS), fc.integer({ min: 1, max: 5 })), { maxLength: 5 })
  .map((entries): VersionVector => new Map(entries))

/** The plain set of events that a vector stands for. */
function eventsOf(known: VersionVector): Set<string> {
  const events = new Set<string>()
  for (const [actor, counter] of known) for (let i = 1; i <= counter; i++) events.add(`${actor}${i}`)
  return events
}

describe('version vectors', () => {
  it('agree with plain sets of events', () => {
    fc.assert(
      fc.property(vector, vector, (a, b) => {
        const inA = eventsOf(a)
        const inB = eventsOf(b)
        const all = [...new Set([...inA, ...inB])].sort()
        expect([...eventsOf(joinVectors(a, b))].sort()).to.deep.equal(all)
        expect(descends(a, b)).to.equal([...inB].every((event) => inA.has(event)))
        expect(vectorEquals(a, b)).to.equal(inA.size === all.length && inB.size === all.length)
        for (const actor of ACTORS) {
          for (let counter = 1; counter <= 6; counter++) {
            expect(covers(a, { actor, counter })).to.equal(inA.has(`${actor}${counter}`))
          }
        }
      }),
    )
  })

  it('are handed back themselves when nothing is added', () => {
    const a: VersionVector = new Map([
      ['a', 2],
      ['b', 1],
    ])
    const b: VersionVector = new Map([['a', 1]])
    expect(joinVectors(a, b)).to.equal(a)
    expect(joinVectors(b, a)).to.equal(a)
    expect(joinVectors(a, new Map(a))).to.equal(a)
    expect(foldDot(a, { actor: 'a', counter: 2 })).to.equal(a)
  })

  it('fold an event without changing the vector before', () => {
    const a: VersionVector = new Map([['a', 2]])
    expect([...foldDot(a, { actor: 'a', counter: 4 })]).to.deep.equal([['a', 4]])
    expect([...foldDot(a, { actor: 'b', counter: 1 })]).to.deep.equal([
      ['a', 2],
      ['b', 1],
    ])
    expect([...a]).to.deep.equal([['a', 2]])
  })
})
