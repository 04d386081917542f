import { expect } from 'chai'
import type { LinkState } from '../../../server/ports/network.ts'
import { eventually } from '../../eventually.ts'
import { RawPeer, RawSocket } from './raw-peer.ts'
import { openSockets, TcpNodes } from './tcp-nodes.ts'

describe('TcpNetwork among peers', () => {
  let nodes: TcpNodes
  let before: number

  beforeEach(() => {
    nodes = new TcpNodes()
    before = openSockets()
  })

  afterEach(() => nodes.close())

  /** A node with a link to a peer that the test plays. */
  async function withRawPeer(settings = {}) {
    const a = await nodes.start('a', settings)
    const raw = new RawPeer(a.network.address, 'b', 'a')
    await eventually('they are connected', () => a.network.connected('b') && raw.session !== undefined)
    return { ...a, raw }
  }

  it('ends with one connection, and loses nothing, when both sides dial at once', async () => {
    for (let round = 0; round < 10; round++) {
      const a = await nodes.start('a')
      const b = await nodes.start('b')
      let sent = 0
      const say = () => {
        if (a.network.send('b', Buffer.from('x')) && b.network.send('a', Buffer.from('x'))) sent++
      }
      a.network.onLink(say)
      b.network.onLink(say)
      a.network.learn('b', b.network.address)
      b.network.learn('a', a.network.address)
      await eventually('it settles', async () => {
        await nodes.pass(1000)
        say()
        return openSockets() === before + 2
      })
      await eventually('all arrive', () => a.messages.length >= sent && b.messages.length >= sent)
      const once: [string, LinkState][] = [['b', 'connected']]
      expect(a.links).to.deep.equal(once)
      expect(b.links).to.deep.equal([['a', 'connected']])
      await nodes.close()
      nodes = new TcpNodes()
    }
  })

  it('takes a restarted peer for what it is, although the old connection still seems open', async () => {
    const { network, links, messages, raw } = await withRawPeer()
    await nodes.pass(2000)
    const restarted = new RawPeer(network.address, 'b', 'a', 2)
    await eventually('the old one is dropped', () => raw.closed)
    expect(links).to.deep.equal([
      ['b', 'connected'],
      ['b', 'disconnected'],
      ['b', 'connected'],
    ])
    restarted.send(Buffer.from('new'))
    network.send('b', Buffer.from('to the new one'))
    await eventually('both arrive', () => messages.length === 1 && restarted.frames.length === 1)
  })

  it('drops a peer that says 4 GB follow', async () => {
    const { network, trace, links, raw } = await withRawPeer()
    raw.socket.write(Buffer.from('ffffffff00000000', 'hex'))
    await eventually('it is out', () => raw.closed)
    expect(network.connected('b')).to.equal(false)
    expect(links).to.have.length(2)
    expect(trace.why('link.down')).to.deep.equal(['a frame of 4294967295 bytes, 67108864 are allowed'])
  })

  it('drops a peer whose frame is damaged, and hands on none of it', async () => {
    const { messages, trace, raw } = await withRawPeer()
    raw.send(Buffer.from('good'))
    await eventually('it arrives', () => messages.length === 1)
    raw.socket.write(Buffer.from('000000010000000000', 'hex'))
    await eventually('it is out', () => raw.closed)
    expect(trace.why('link.down')).to.deep.equal(['a frame of 1 bytes with a wrong checksum'])
    expect(messages).to.have.length(1)
  })

  it('refuses messages that are empty or too long, and sends on', async () => {
    const { network, raw } = await withRawPeer({ maxFrameBytes: 1000 })
    expect(network.send('b', Buffer.alloc(0))).to.equal(false)
    expect(network.send('b', Buffer.alloc(1001))).to.equal(false)
    expect(network.send('b', Buffer.alloc(1000))).to.equal(true)
    await eventually('it arrives', () => raw.frames.length === 1)
    expect(raw.closed).to.equal(false)
  })

  it('refuses to queue over the bound while a peer does not read, and then goes on in order', async () => {
    const { network, raw } = await withRawPeer({ maxQueuedBytes: 1 << 20 })
    raw.socket.pause()
    const message = Buffer.alloc(60_000)
    let sent = 0
    await eventually('the queue is full', () => {
      message[0] = sent
      while (network.send('b', Buffer.from(message))) message[0] = ++sent
      return sent > 0 && raw.socket.readableLength > 0
    })
    expect(network.connected('b')).to.equal(true)
    raw.socket.resume()
    await eventually('all arrive', () => raw.frames.length === sent)
    expect(raw.frames.every((frame, i) => frame[0] === i % 256)).to.equal(true)
    expect(network.send('b', message)).to.equal(true)
  })

  it('drops a peer that has read nothing for 30 s, but not one that reads slowly', async () => {
    const { network, trace, messages, raw } = await withRawPeer()
    while (network.send('b', Buffer.alloc(60_000))) {
      // Until the queue is full.
    }
    raw.socket.pause()
    const alive = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10_000) {
        const heard = messages.length
        raw.send(Buffer.from('I am here'))
        await eventually('it is heard', () => messages.length > heard || !network.connected('b'))
        await nodes.pass(10_000)
      }
    }
    for (let i = 0; i < 3; i++) {
      await alive(20_000)
      expect(network.connected('b')).to.equal(true)
      const read = raw.socket.bytesRead
      raw.socket.resume()
      await eventually('it reads some', () => raw.socket.bytesRead > read + (8 << 20))
      raw.socket.pause()
    }
    while (network.send('b', Buffer.alloc(60_000))) {
      // Until it is full again.
    }
    await alive(50_000)
    expect(network.connected('b')).to.equal(false)
    expect(trace.why('link.down')).to.deep.equal(['the peer does not read'])
  })

  it('drops a peer that has been silent for 15 s, and only then', async () => {
    const { network, trace, messages, raw } = await withRawPeer()
    await nodes.pass(14_000)
    expect(network.connected('b')).to.equal(true)
    raw.send(Buffer.from('I am here'))
    await eventually('it is heard', () => messages.length === 1)
    await nodes.pass(14_000)
    expect(network.connected('b')).to.equal(true)
    await nodes.pass(3000)
    expect(network.connected('b')).to.equal(false)
    expect(trace.why('link.down')).to.deep.equal(['nothing was heard for too long'])
    await eventually('the connection is closed', () => raw.closed)
  })

  it('does not blame its peers for the time in which it did not run itself', async () => {
    const { network, clock } = await withRawPeer()
    clock.jump(3_600_000)
    await nodes.pass(10_000)
    expect(network.connected('b')).to.equal(true)
  })

  it('keeps a quiet link up, without telling of it', async () => {
    const a = await nodes.start('a')
    const b = await nodes.start('b')
    a.network.learn('b', b.network.address)
    await eventually('they are connected', () => a.network.connected('b') && b.network.connected('a'))
    await nodes.pass(120_000)
    expect(a.links).to.deep.equal([['b', 'connected']])
    expect(b.links).to.deep.equal([['a', 'connected']])
    expect([...a.messages, ...b.messages]).to.deep.equal([])
  })

  it('writes what is sent in one turn of the event loop together', async () => {
    const { network, raw } = await withRawPeer()
    let chunks = 0
    raw.socket.on('data', () => chunks++)
    for (let i = 0; i < 100; i++) network.send('b', Buffer.alloc(100, i))
    await eventually('all arrive', () => raw.frames.length === 100)
    expect(chunks).to.equal(1)
  })

  it('delivers what was sent before it was closed', async () => {
    const { network, raw } = await withRawPeer()
    for (let i = 0; i < 100; i++) network.send('b', Buffer.alloc(10_000, i))
    await network.close()
    await eventually('all arrive', () => raw.frames.length === 100)
  })

  it('closes within a second whatever its peers and strangers do', async () => {
    const { network, clock, raw } = await withRawPeer()
    const stranger = new RawSocket(network.address)
    await eventually('it is in', () => network.strangers === 1)
    raw.socket.pause()
    while (network.send('b', Buffer.alloc(60_000))) {
      // Until the queue is full.
    }
    const closing = network.close()
    expect(network.send('b', Buffer.from('x'))).to.equal(false)
    clock.advance(1000)
    await closing
    raw.socket.resume()
    await eventually('all are out', () => raw.closed && stranger.closed && openSockets() === before)
  })

  it('bounds how many peers there are', async () => {
    const { network } = await withRawPeer({ maxPeers: 2 })
    const second = new RawPeer(network.address, 'c', 'a')
    await eventually('it is in', () => network.connected('c'))
    const third = new RawPeer(network.address, 'd', 'a')
    await eventually('it is out', () => third.closed)
    expect(network.connected('d')).to.equal(false)
    second.socket.destroy()
    await eventually('there is room', () => !network.connected('c'))
    new RawPeer(network.address, 'd', 'a')
    await eventually('it is in', () => network.connected('d'))
  })
})
