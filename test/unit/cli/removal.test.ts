import { expect } from 'chai'
import { removalText } from '../../../cli/render/removal.ts'

const RESULT = { removed: 'n4', layoutVersion: 3, changed: true, waitingFor: [] }

describe('what kv node remove says', () => {
  it('is what was done, and that the ring is busy with the rest', () => {
    expect(removalText(RESULT).split('\n')).to.deep.equal([
      'n4 is out of the ring for good, layout 3',
      'its slots have other owners now, and the ring fills their copies: kv ring status',
    ])
  })

  it('is that nothing was left to do, where that is so', () => {
    expect(removalText({ ...RESULT, changed: false })).to.equal('n4 is out of the ring already, layout 3')
  })
})
