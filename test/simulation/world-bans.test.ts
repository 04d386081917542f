import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { WorldBans } from './world-bans.ts'

describe('the bans of a simulation', () => {
  const reachingOut: Record<string, () => unknown> = {
    'Date.now': () => Date.now(),
    'new Date()': () => new Date(),
    'Math.random': () => Math.random(),
    'performance.now': () => performance.now(),
    'process.hrtime': () => process.hrtime(),
    setTimeout: () => setTimeout(() => {}, 0),
    setImmediate: () => setImmediate(() => {}),
    'timers/promises': () => sleep(0),
    'crypto.randomBytes': () => randomBytes(4),
  }

  for (const [name, reach] of Object.entries(reachingOut)) {
    it(`make ${name} throw, and remember it`, () => {
      const bans = new WorldBans()
      bans.install()
      let thrown: unknown
      try {
        reach()
      } catch (error) {
        thrown = error
      } finally {
        bans.lift()
      }
      expect(String(thrown)).to.contain(`${name} was called inside a simulation`)
      expect(bans.breaches).to.have.length(1)
      expect(reach).not.to.throw()
    })
  }

  it('leave dates alone that are made of a given time', () => {
    const bans = new WorldBans()
    bans.install()
    try {
      expect(new Date(86_400_000).toISOString()).to.equal('1970-01-02T00:00:00.000Z')
    } finally {
      bans.lift()
    }
  })
})
