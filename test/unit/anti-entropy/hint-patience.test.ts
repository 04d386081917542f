import { expect } from 'chai'
import { HintPatience, PATIENCE_MS } from '../../../server/anti-entropy/hint-patience.ts'
import { ManualClock } from '../manual-clock.ts'

describe('HintPatience', () => {
  let clock: ManualClock
  let holders: Map<string, string[]>
  let doubtful: Set<string>
  let patience: HintPatience

  beforeEach(() => {
    clock = new ManualClock()
    holders = new Map()
    doubtful = new Set()
    const hintHolders = (owner: string) => holders.get(owner) ?? []
    const ring = { hintHolders, mayHoldHintsElsewhere: (owner: string) => doubtful.has(owner) }
    patience = new HintPatience({ clock, ring }, { id: 'n1' })
  })

  it('waits while hints for either of the two are on their way', () => {
    expect(patience.asksFor('n2')).to.equal(false)
    holders.set('n2', ['n4'])
    expect([patience.asksFor('n2'), patience.asksFor('n3')]).to.deep.equal([true, false])
    holders.set('n1', ['n5'])
    expect([patience.asksFor('n2'), patience.asksFor('n3')]).to.deep.equal([true, true])
    holders.clear()
    expect([patience.asksFor('n2'), patience.asksFor('n3')]).to.deep.equal([false, false])
  })

  it('takes a peer for settled while nobody keeps, or may keep, a hint for it', () => {
    expect(patience.settled('n2')).to.equal(true)
    holders.set('n2', ['n4'])
    expect([patience.settled('n2'), patience.settled('n3')]).to.deep.equal([false, true])
    holders.clear()
    doubtful.add('n2')
    expect(patience.settled('n2')).to.equal(false)
  })

  it('does not wait for ever, and anew once there were none', () => {
    holders.set('n2', ['n4'])
    expect(patience.asksFor('n2')).to.equal(true)
    clock.advance(PATIENCE_MS - 1)
    expect(patience.asksFor('n2')).to.equal(true)
    clock.advance(1)
    expect(patience.asksFor('n2')).to.equal(false)
    clock.advance(PATIENCE_MS)
    expect(patience.asksFor('n2')).to.equal(false)
    holders.clear()
    patience.asksFor('n2')
    holders.set('n2', ['n4'])
    expect(patience.asksFor('n2')).to.equal(true)
  })
})
