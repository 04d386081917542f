import { expect } from 'chai'
import { LASTING_MS } from '../../../server/adapters/exclusion.ts'
import { eventually } from '../../eventually.ts'
import { type TcpNode, TcpNodes } from './tcp-nodes.ts'

const TAKEN = 'another node with the id b is in the ring already'

describe('TcpNetwork and two nodes with one id', () => {
  let nodes: TcpNodes
  let peers: readonly TcpNode[]
  let first: TcpNode
  let second: TcpNode

  beforeEach(async () => {
    nodes = new TcpNodes()
    peers = [await nodes.start('a'), await nodes.start('c')]
    first = await nodes.start('b')
    meet(first)
    await eventually('the first is linked', () => peers.every(({ network }) => network.connected('b')))
    // A copy of the disk as a whole: the incarnation is the same.
    second = await nodes.start('b')
  })

  afterEach(() => nodes.close())

  function meet(node: TcpNode): void {
    for (const [i, id] of ['a', 'c'].entries()) node.network.learn(id, (peers[i] as TcpNode).network.address)
  }

  /** Time in which those that run say something every second. */
  async function live(ms: number, running: readonly TcpNode[]): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1000) {
      for (const { network } of running) for (const id of ['a', 'b', 'c']) network.send(id, Buffer.from('x'))
      await nodes.pass(1000)
      for (const node of [first, second]) node.network.excluded()
    }
  }

  it('keeps the one that it is in touch with, and tells the other why', async () => {
    meet(second)
    await eventually('the second is refused', () => second.trace.why('link.dial_failed').length >= 2)
    await live(LASTING_MS + 4000, [...peers, first])
    expect(second.links).to.deep.equal([])
    expect(new Set(second.trace.why('link.dial_failed'))).to.deep.equal(new Set([TAKEN]))
    for (const { links, trace } of peers) {
      expect(links).to.deep.equal([['b', 'connected']])
      expect(trace.why('link.refused')).to.include(TAKEN)
    }
    expect(first.network.excluded()).to.equal(undefined)
    expect(second.network.excluded()).to.include({ code: 'conflict', message: TAKEN })
  })

  it('does not take up with the other by dialing it either', async () => {
    const [a] = peers as [TcpNode]
    a.network.learn('b', second.network.address)
    await live(5000, [...peers, first])
    expect(a.links).to.deep.equal([['b', 'connected']])
    expect(second.links.filter(([, state]) => state === 'connected').length).to.be.at.most(1)
  })

  it('takes the other once the first has ended, or hangs', async () => {
    meet(second)
    await live(4000, [...peers, first])
    await live(3000, peers)
    await eventually('the second is linked', async () => {
      await live(1000, [...peers, second])
      return peers.every(({ network }) => network.connected('b')) && second.network.connected('a')
    })
    await live(LASTING_MS, [...peers, second])
    expect(second.network.excluded()).to.equal(undefined)
    await eventually('the first is told', async () => {
      await live(1000, [...peers, second])
      return first.network.excluded()?.code === 'conflict'
    })
  })

  it('does not exclude a node that one peer of several has no room for', async () => {
    const [a] = peers as [TcpNode]
    second.network.learn('a', a.network.address)
    const others = [await nodes.start('d'), await nodes.start('e')]
    second.network.learn('d', others[0]?.network.address as TcpNode['network']['address'])
    second.network.learn('e', others[1]?.network.address as TcpNode['network']['address'])
    await live(LASTING_MS + 4000, [...peers, ...others, first])
    expect(second.trace.why('link.dial_failed')).to.include(TAKEN)
    expect(second.network.excluded()).to.equal(undefined)
  })
})
