import { expect } from 'chai'
import { WritesUnderWay } from '../../../server/replica/writes-under-way.ts'

describe('WritesUnderWay', () => {
  it('is settled up to a write when all that began by then have ended, whatever has begun since', () => {
    const writes = new WritesUnderWay()
    const [a, b] = [writes.begin(), writes.begin()]
    const { latest } = writes
    const later = writes.begin()
    expect(writes.settled(latest)).to.equal(false)
    writes.end(b)
    expect(writes.settled(latest)).to.equal(false)
    writes.end(a)
    expect(writes.settled(latest)).to.equal(true)
    expect(writes.settled(later)).to.equal(false)
    writes.end(later)
    expect(writes.settled(writes.latest)).to.equal(true)
  })
})
