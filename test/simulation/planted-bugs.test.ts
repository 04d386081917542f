import { expect } from 'chai'
import { PLANTED_BUGS } from './bugs/catalogue.ts'
import { everySeed, hunt } from './bugs/hunt.ts'

describe('the simulator catches', function () {
  this.timeout(600_000)

  for (const bug of PLANTED_BUGS) {
    it(bug.name, async function () {
      const again = await hunt(bug, bug.seeds, 1)
      const { seeds, seed, caught, astray } = again.caught ? again : await hunt(bug, everySeed(), 2)
      expect(caught, `not found in ${seeds} seeds; others said: ${astray}`).not.to.equal(undefined)
      if (this.test !== undefined)
        this.test.title += ` (${seeds} seeds, seed ${seed}; ${caught?.slice(0, 120)})`
    })
  }

  it('as many bugs as were planted, each of its own', () => {
    expect(PLANTED_BUGS.length).to.be.at.least(22)
    expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).to.equal(PLANTED_BUGS.length)
  })
})
