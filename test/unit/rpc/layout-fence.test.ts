import { expect } from 'chai'
import { LayoutFence } from '../../../server/rpc/layout-fence.ts'

function subject() {
  const behind: [string, number][] = []
  const state = { version: 2 }
  const fence = new LayoutFence({
    version: () => state.version,
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
