import { expect } from 'chai'
import fc from 'fast-check'
import { IntervalSet } from '../../../../cli/import/intervals.ts'

describe('IntervalSet', () => {
  it('holds what a Set holds, as few intervals in order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (numbers) => {
        const set = new Set(numbers)
        const intervals = new IntervalSet()
        for (const number of numbers) intervals.add(number)
        for (let number = 0; number <= 41; number++) expect(intervals.has(number)).to.equal(set.has(number))
        expect(intervals.size).to.equal(set.size)
        expect(intervals.highest).to.equal(Math.max(0, ...numbers))
        const again = new IntervalSet(intervals.toJSON())
        expect(again.toJSON()).to.deep.equal(intervals.toJSON())
      }),
    )
  })

  it('refuses intervals that overlap, touch or stand the wrong way round', () => {
    for (const bad of [
      [
        [1, 3],
        [3, 4],
      ],
      [
        [1, 2],
        [3, 4],
      ],
      [
        [4, 5],
        [1, 2],
      ],
      [[2, 1]],
    ] as [number, number][][]) {
      expect(() => new IntervalSet(bad)).to.throw(RangeError)
    }
  })
})
