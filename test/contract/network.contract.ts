import { expect } from 'chai'
import type { Address, LinkState, Network, NodeId } from '../../server/ports/network.ts'

/** Nodes of one implementation, in one world. Without faults: what is sent arrives. */
export interface NetworkFixture {
  /** A node that listens; at the address of one that has been closed, where given. */
  open(id: NodeId, at?: Address): Promise<{ readonly network: Network; readonly address: Address }>
  /** Lets the world run until the condition holds; rejects when it never will. */
  advance(what: string, until: () => boolean): Promise<void>
  /** Closes all nodes. */
  dispose(): Promise<void>
}

/** A node and all that it was told. */
interface Witness {
  readonly id: NodeId
  readonly network: Network
  readonly address: Address
  readonly links: [NodeId, LinkState][]
  readonly messages: [NodeId, Buffer][]
  readonly datagrams: [Buffer, Address][]
}

const text = (messages: readonly [NodeId, Buffer][]) => messages.map(([from, bytes]) => `${from}:${bytes}`)

/** What the Network port promises, of any implementation. */
export function describeNetwork(name: string, makeFixture: () => Promise<NetworkFixture>): void {
  describe(name, () => {
    let fixture: NetworkFixture

    beforeEach(async () => {
      fixture = await makeFixture()
    })

    afterEach(() => fixture.dispose())

    async function open(id: NodeId, at?: Address): Promise<Witness> {
      const { network, address } = await fixture.open(id, at)
      const witness: Witness = { id, network, address, links: [], messages: [], datagrams: [] }
      network.onLink((peer, state) => witness.links.push([peer, state]))
      network.onMessage((from, message) => witness.messages.push([from, message]))
      network.onDatagram((datagram, from) => witness.datagrams.push([datagram, from]))
      return witness
    }

    const linked = (one: Witness, other: Witness) =>
      fixture.advance(
        `${one.id} and ${other.id} are connected`,
        () => one.network.connected(other.id) && other.network.connected(one.id),
      )

    async function pair(): Promise<[Witness, Witness]> {
      const a = await open('a')
      const b = await open('b')
      a.network.learn('b', b.address)
      await linked(a, b)
      return [a, b]
    }

    it('connects both sides when one of them learns of the other, and tells each once', async () => {
      const [a, b] = await pair()
      expect(a.links).to.deep.equal([['b', 'connected']])
      expect(b.links).to.deep.equal([['a', 'connected']])
    })

    it('makes one connection where both learn of each other at once', async () => {
      const a = await open('a')
      const b = await open('b')
      a.network.learn('b', b.address)
      b.network.learn('a', a.address)
      await linked(a, b)
      for (let i = 0; i < 20; i++) {
        expect(a.network.send('b', Buffer.from(`to b ${i}`))).to.equal(true)
        expect(b.network.send('a', Buffer.from(`to a ${i}`))).to.equal(true)
        await fixture.advance(`round ${i}`, () => a.messages.length > i && b.messages.length > i)
      }
      expect(a.links).to.deep.equal([['b', 'connected']])
      expect(b.links).to.deep.equal([['a', 'connected']])
    })

    it('carries messages both ways, unaltered, under the name of their sender', async () => {
      const [a, b] = await pair()
      a.network.send('b', Buffer.from('from a'))
      b.network.send('a', Buffer.from('from b'))
      await fixture.advance('both arrive', () => a.messages.length === 1 && b.messages.length === 1)
      expect(text(a.messages)).to.deep.equal(['b:from b'])
      expect(text(b.messages)).to.deep.equal(['a:from a'])
    })

    it('sends as soon as the link is told of', async () => {
      const a = await open('a')
      const b = await open('b')
      let sent = false
      a.network.onLink((peer) => {
        sent = a.network.send(peer, Buffer.from('at once'))
      })
      a.network.learn('b', b.address)
      await fixture.advance('it arrives', () => b.messages.length === 1)
      expect(sent).to.equal(true)
    })

    it('keeps messages of all sizes as they are, also after their handlers have returned', async () => {
      const [a, b] = await pair()
      const sizes = [1, 2, 7, 200, 8191, 8192, 8193, 65_535, 65_536, 65_537, 300_000, 1 << 20]
      for (const [i, size] of sizes.entries()) {
        expect(a.network.send('b', Buffer.alloc(size, i + 1))).to.equal(true)
      }
      await fixture.advance('all arrive', () => b.messages.length === sizes.length)
      const inOrder = b.messages.map(([, message]) => message).sort((x, y) => x.length - y.length)
      for (const [i, message] of inOrder.entries()) {
        expect(message.equals(Buffer.alloc(sizes[i] as number, i + 1)), `${sizes[i]} bytes`).to.equal(true)
      }
    })

    it('carries many messages sent at once', async () => {
      const [a, b] = await pair()
      const expected = Array.from({ length: 3000 }, (_, i) => `a:message ${i}`)
      for (let i = 0; i < 3000; i++) expect(a.network.send('b', Buffer.from(`message ${i}`))).to.equal(true)
      await fixture.advance('all arrive', () => b.messages.length === 3000)
      expect(new Set(text(b.messages))).to.deep.equal(new Set(expected))
    })

    it('refuses to send to whom there is no link', async () => {
      const [a] = await pair()
      expect(a.network.send('nobody', Buffer.from('x'))).to.equal(false)
      expect(a.network.connected('nobody')).to.equal(false)
      a.network.learn('c', { host: a.address.host, port: 1 })
      expect(a.network.send('c', Buffer.from('x'))).to.equal(false)
      expect(a.network.connected('c')).to.equal(false)
    })

    it('has no link to itself', async () => {
      const [a, b] = await pair()
      a.network.learn('a', a.address)
      a.network.send('b', Buffer.from('x'))
      await fixture.advance('the world goes on', () => b.messages.length === 1)
      expect(a.network.connected('a')).to.equal(false)
      expect(a.network.send('a', Buffer.from('x'))).to.equal(false)
      expect(a.links).to.deep.equal([['b', 'connected']])
    })

    it('calls every handler that was added', async () => {
      const [a, b] = await pair()
      let second = 0
      let down = 0
      b.network.onMessage(() => second++)
      b.network.onLink(() => down++)
      a.network.send('b', Buffer.from('x'))
      await fixture.advance('it arrives', () => b.messages.length === 1)
      expect(second).to.equal(1)
      a.network.forget('b')
      await fixture.advance('the link is down', () => b.links.length === 2)
      expect(down).to.equal(1)
    })

    it('ends the link to a peer that is forgotten, on both sides', async () => {
      const [a, b] = await pair()
      a.network.forget('b')
      expect(a.network.connected('b')).to.equal(false)
      expect(a.network.send('b', Buffer.from('x'))).to.equal(false)
      await fixture.advance('b notices', () => !b.network.connected('a'))
      await fixture.advance('a is told', () => a.links.length === 2)
      expect(a.links.at(-1)).to.deep.equal(['b', 'disconnected'])
      expect(b.links).to.deep.equal([
        ['a', 'connected'],
        ['a', 'disconnected'],
      ])
    })

    it('links again to a peer that was forgotten and learned anew', async () => {
      const [a, b] = await pair()
      a.network.forget('b')
      await fixture.advance('b notices', () => !b.network.connected('a'))
      a.network.learn('b', b.address)
      await linked(a, b)
      a.network.send('b', Buffer.from('again'))
      await fixture.advance('it arrives', () => b.messages.length === 1)
    })

    it('finds a peer again that has restarted at its address', async () => {
      const [a, b] = await pair()
      await b.network.close()
      await fixture.advance('a notices', () => !a.network.connected('b'))
      expect(a.network.send('b', Buffer.from('lost'))).to.equal(false)
      const again = await open('b', b.address)
      await linked(a, again)
      a.network.send('b', Buffer.from('for the new b'))
      await fixture.advance('it arrives', () => again.messages.length === 1)
      expect(text(again.messages)).to.deep.equal(['a:for the new b'])
      expect(b.messages).to.deep.equal([])
      expect(a.links).to.deep.equal([
        ['b', 'connected'],
        ['b', 'disconnected'],
        ['b', 'connected'],
      ])
    })

    it('finds a peer that starts after it was learned of, and one that has moved', async () => {
      const a = await open('a')
      const first = await open('b')
      await first.network.close()
      a.network.learn('b', first.address)
      const moved = await open('b')
      a.network.learn('b', moved.address)
      await linked(a, moved)
      await moved.network.close()
      await fixture.advance('a notices', () => !a.network.connected('b'))
      const back = await open('b', moved.address)
      await linked(a, back)
    })

    it('broadcasts to the other nodes and says where a datagram came from', async () => {
      const [a, b] = await pair()
      const c = await open('c')
      const heard = (one: Witness) => one.datagrams.find(([datagram]) => datagram.toString() === 'hello')
      await fixture.advance('all hear it', () => {
        // Datagrams may be lost, so it is said until it is heard.
        if (heard(b) === undefined || heard(c) === undefined) a.network.broadcast(Buffer.from('hello'))
        return heard(b) !== undefined && heard(c) !== undefined
      })
      const [, from] = heard(b) as [Buffer, Address]
      expect(from.host).to.be.a('string').and.not.equal('')
      expect(from.port).to.be.a('number')
      expect(b.messages).to.deep.equal([])
    })

    it('is silent once it is closed, and closes any number of times', async () => {
      const [a, b] = await pair()
      await Promise.all([a.network.close(), a.network.close()])
      await a.network.close()
      expect(a.network.send('b', Buffer.from('x'))).to.equal(false)
      expect(a.network.connected('b')).to.equal(false)
      a.network.learn('b', b.address)
      a.network.forget('b')
      a.network.broadcast(Buffer.from('x'))
      await fixture.advance('b notices', () => !b.network.connected('a'))
      expect(a.links).to.deep.equal([['b', 'connected']])
    })
  })
}
