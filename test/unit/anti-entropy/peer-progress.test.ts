import { expect } from 'chai'
import { PeerProgress, slotsOutstanding } from '../../../server/anti-entropy/peer-progress.ts'
import { SLOTS } from '../../../shared/slot.ts'

function outstanding(...slots: number[]): PeerProgress {
  const progress = new PeerProgress()
  progress.outstanding = new Set(slots)
  return progress
}

describe('PeerProgress', () => {
  it('reports what has been brought, with what is under way', () => {
    const progress = outstanding(1, 2)
    progress.add({ keysRepaired: 3, bytesExchanged: 100 })
    progress.add({ keysRepaired: 1, bytesExchanged: 10 })
    expect(progress.report({ keysRepaired: 2, bytesExchanged: 5 })).to.deep.include({
      keysRepaired: 6,
      bytesExchanged: 115,
      slotsOutstanding: 2,
    })
    expect(progress.report(undefined)).to.deep.include({ keysRepaired: 4, bytesExchanged: 110 })
  })

  it('counts a slot that differs from several peers once', () => {
    const last = SLOTS - 1
    expect(slotsOutstanding([])).to.equal(0)
    expect(
      slotsOutstanding([outstanding(), outstanding(0, 5, last), outstanding(5), outstanding(last, 9)]),
    ).to.equal(4)
  })
})
