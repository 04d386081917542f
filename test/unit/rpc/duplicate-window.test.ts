import { expect } from 'chai'
import fc from 'fast-check'
import { DuplicateWindow, WINDOW } from '../../../server/rpc/duplicate-window.ts'

describe('DuplicateWindow', () => {
  it('admits every id once, in any order within the window', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 300 })
    fc.assert(
      fc.property(ids, (arrivals) => {
        const window = new DuplicateWindow(7)
        const seen = new Set<number>()
        for (const id of arrivals) {
          expect(window.admit(id)).to.equal(!seen.has(id))
          seen.add(id)
        }
      }),
    )
  })

  it('takes what is too far back as seen', () => {
    const window = new DuplicateWindow(7)
    window.admit(WINDOW + 10)
    expect(window.admit(10)).to.equal(false)
    expect(window.admit(11)).to.equal(true)
  })

  it('forgets old ids when it moves on by more than its size', () => {
    const window = new DuplicateWindow(7)
    for (let id = 0; id < 100; id++) window.admit(id)
    window.admit(10 * WINDOW)
    for (let id = 9 * WINDOW + 1; id < 9 * WINDOW + 200; id++)
      expect(window.admit(id), `id ${id}`).to.equal(true)
  })

  it('works beyond 32 bits', () => {
    const window = new DuplicateWindow(7)
    const start = 2 ** 40
    expect(window.admit(start)).to.equal(true)
    expect(window.admit(start)).to.equal(false)
    expect(window.admit(start + 1)).to.equal(true)
    expect(window.admit(start - 1)).to.equal(true)
    expect(window.admit(start - 1)).to.equal(false)
  })
})
