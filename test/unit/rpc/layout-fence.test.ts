import { expect } from 'chai'
import { LayoutFence } from '../../../server/rpc/layout-fence.ts'

function subject() {
  const behind: [string, number][] = []
  const state = { version: 2, placedIn: 1, removed: '' }
  const fence = new LayoutFence({
    version: () => state.version,
    placedIn: () => state.placedIn,
    removed: (id) => id === state.removed,
    behind: (peer, version) => behind.push([peer, version]),
  })
  return { fence, state, behind }
}

describe('the fence around a layout', () => {
  it('lets through what comes from the same layout or an older one', () => {
    const { fence, behind } = subject()
    for (const version of [0, 1, 2]) expect(fence.holds('n2', version, Buffer.from('x'))).to.equal(false)
    expect(fence.release()).to.deep.equal([])
    expect(behind).to.deep.equal([])
  })

  it('refuses what is asked by the owners of before, and by nodes that were removed', () => {
    const { fence, state } = subject()
    expect(fence.refusal('n2', 1)).to.equal(undefined)
    state.placedIn = 2
    expect(fence.refusal('n2', 2)).to.equal(undefined)
    expect(fence.refusal('n2', 1)).to.include({ code: 'not_ready' })
    state.removed = 'n2'
    expect(fence.refusal('n2', 2)).to.include({ code: 'conflict' })
    expect(fence.refusal('n3', 2)).to.equal(undefined)
  })

  it('hears of a newer one also by what need not wait for it, once it has one itself', () => {
    const { fence, state, behind } = subject()
    fence.heard('n2', 2)
    expect(behind).to.deep.equal([])
    fence.heard('n2', 3)
    expect(behind).to.deep.equal([['n2', 3]])
    state.version = 0
    fence.heard('n2', 3)
    expect(behind).to.have.length(1)
  })

  it('keeps what comes from a newer one, in order, and says that this node is behind', () => {
    const { fence, behind } = subject()
    const message = Buffer.from('first')
    expect(fence.holds('n2', 3, message)).to.equal(true)
    // As a network may use its buffers again.
    message.fill(0)
    expect(fence.holds('n3', 4, Buffer.from('second'))).to.equal(true)
    expect(behind).to.deep.equal([
      ['n2', 3],
      ['n3', 4],
    ])
    const released = fence.release().map(({ from, message }) => [from, message.toString()])
    expect(released).to.deep.equal([
      ['n2', 'first'],
      ['n3', 'second'],
    ])
    expect(fence.release()).to.deep.equal([])
  })

  it('keeps no more than fits, and goes on saying so', () => {
    const { fence, behind } = subject()
    const large = Buffer.alloc(5 * 1024 * 1024)
    for (let i = 0; i < 4; i++) expect(fence.holds('n2', 3, large)).to.equal(true)
    expect(behind).to.have.length(4)
    expect(fence.release()).to.have.length(3)
    for (let i = 0; i < 5_000; i++) fence.holds('n2', 3, Buffer.from('x'))
    expect(fence.release()).to.have.length(4_096)
  })
})
