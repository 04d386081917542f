import { expect } from 'chai'
import { PutCore } from '../../../server/coordinator/put-core.ts'

describe('PutCore', () => {
  it('has enough when w distinct nodes hold the write', () => {
    const core = new PutCore({ w: 2, strict: false })
    core.ackedByOwner('a', undefined, true)
    core.ackedByOwner('a', undefined, true)
    expect(core.enough).to.equal(false)
    core.ackedByOwner('b', undefined, true)
    expect([core.enough, core.acks, core.sloppy]).to.deep.equal([true, 2, false])
  })

  it('counts hints, and says that they were needed', () => {
    const core = new PutCore({ w: 2, strict: false })
    core.ackedByOwner('a', undefined, true)
    core.ackedByFallback('d', 'b')
    expect([core.enough, core.sloppy]).to.deep.equal([true, true])
    core.ackedByOwner('b', undefined, true)
    expect(core.sloppy).to.equal(false)
  })

  it('counts one disk once, though it holds the data and a hint', () => {
    const core = new PutCore({ w: 2, strict: false })
    core.ackedByOwner('a', undefined, true)
    core.ackedByFallback('a', 'b')
    expect(core.enough).to.equal(false)
  })

  it('counts a hint and its owner once: when it is handed over, one of the two copies is left', () => {
    const core = new PutCore({ w: 2, strict: false })
    core.ackedByFallback('d', 'a')
    core.ackedByOwner('a', undefined, true)
    expect([core.acks, core.enough]).to.deep.equal([1, false])
    core.ackedByFallback('e', 'a')
    expect(core.acks).to.equal(1)
    core.ackedByFallback('d', 'b')
    expect([core.acks, core.enough]).to.deep.equal([2, true])
  })

  it('finds the largest number of disks that stand for as many owners', () => {
    const core = new PutCore({ w: 3, strict: false })
    core.ackedByOwner('a', undefined, true)
    core.ackedByFallback('d', 'a')
    core.ackedByFallback('a', 'b')
    expect(core.acks).to.equal(2)
    core.ackedByFallback('e', 'b')
    expect(core.acks).to.equal(2)
    core.ackedByFallback('e', 'c')
    expect(core.acks).to.equal(3)
  })

  it('counts no hints when strict', () => {
    const core = new PutCore({ w: 2, strict: true })
    core.ackedByOwner('a', undefined, true)
    core.ackedByFallback('d', 'b')
    expect([core.enough, core.acks]).to.deep.equal([false, 1])
  })

  it('keeps the highest stamp that outranks the write', () => {
    const core = new PutCore({ w: 3, strict: false })
    core.ackedByOwner('a', { wallMs: 5, logical: 1 }, true)
    core.ackedByOwner('b', { wallMs: 9, logical: 0 }, true)
    core.ackedByOwner('c', undefined, true)
    expect(core.outrankedBy).to.deep.equal({ wallMs: 9, logical: 0 })
  })
})
