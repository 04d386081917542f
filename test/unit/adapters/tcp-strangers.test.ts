import { expect } from 'chai'
import { KvError } from '../../../shared/errors.ts'
import { eventually } from '../../eventually.ts'
import { RawPeer, RawSocket } from './raw-peer.ts'
import { openSockets, TcpNodes } from './tcp-nodes.ts'

describe('TcpNetwork against strangers', () => {
  let nodes: TcpNodes

  beforeEach(() => {
    nodes = new TcpNodes()
  })

  afterEach(() => nodes.close())

  it('has no link to a peer with another secret, and says so on both sides', async () => {
    const a = await nodes.start('a')
    const b = await nodes.start('b', { secret: Buffer.from('another') })
    a.network.learn('b', b.network.address)
    await eventually('both complain', () => a.trace.told.length > 0 && b.trace.told.length > 0)
    expect(b.trace.why('link.refused')).to.deep.equal(['the peer does not know the cluster secret'])
    expect(a.trace.told[0]).to.deep.include({ level: 'warn', event: 'link.dial_failed' })
    expect(a.trace.told[0]?.fields.hint).to.equal('the cluster secrets may differ')
    expect([...a.links, ...b.links]).to.deep.equal([])
    expect(a.network.connected('b')).to.equal(false)
  })

  it('has no link to a node of another cluster, nor to one with its own id', async () => {
    const a = await nodes.start('a')
    const elsewhere = await nodes.start('b', { cluster: 'other' })
    const twin = await nodes.start('a')
    a.network.learn('b', elsewhere.network.address)
    a.network.learn('c', twin.network.address)
    await eventually('both are refused', () => a.trace.why('link.dial_failed').length === 2)
    expect(elsewhere.trace.why('link.refused')).to.deep.equal(['the peer belongs to another cluster'])
    expect(twin.trace.why('link.refused')).to.deep.equal(['the peer has the id of this node: a'])
  })

  it('takes nobody for whom it has dialed but that node itself', async () => {
    const a = await nodes.start('a')
    const b = await nodes.start('b')
    a.network.learn('c', b.network.address)
    await eventually('it is refused', () => a.trace.why('link.dial_failed').length > 0)
    expect(a.trace.why('link.dial_failed')).to.deep.equal(['b answered at the address of c'])
    expect(b.links).to.deep.equal([])
  })

  it('complains once about a peer that stays away, and finds it when it comes', async () => {
    const a = await nodes.start('a')
    const gone = await nodes.start('b')
    const { address } = gone.network
    await gone.network.close()
    a.network.learn('b', address)
    await eventually('it has tried five times', async () => {
      await nodes.pass(2000)
      return a.trace.why('link.dial_failed').length >= 5
    })
    expect(a.trace.told.filter(({ level }) => level === 'warn')).to.have.length(1)
    const back = await nodes.start('b', { port: address.port })
    await eventually('they are connected', async () => {
      await nodes.pass(2000)
      return back.network.connected('a')
    })
  })

  it('talks to nobody without a secret', async () => {
    const a = await nodes.start('a', { secret: Buffer.alloc(0) })
    const b = await nodes.start('b', { secret: Buffer.alloc(0) })
    a.network.learn('b', b.network.address)
    const knock = new RawSocket(b.network.address)
    await eventually('it is shut out', () => knock.closed)
    expect(a.trace.told).to.deep.equal([])
    expect(a.network.connected('b')).to.equal(false)
  })

  it('waits 5 s for a handshake, however slowly its bytes come', async () => {
    const { network } = await nodes.start('a')
    const silent = new RawSocket(network.address)
    const slow = new RawSocket(network.address)
    await eventually('both are in', () => network.strangers === 2)
    for (let second = 0; second < 4; second++) {
      slow.socket.write(Buffer.alloc(1))
      await nodes.pass(1000)
    }
    expect([silent.closed, slow.closed, network.strangers]).to.deep.equal([false, false, 2])
    await nodes.pass(1000)
    await eventually('both are out', () => silent.closed && slow.closed)
    expect(network.strangers).to.equal(0)
  })

  it('reads little from whoever has not authenticated itself', async () => {
    const { network, trace } = await nodes.start('a')
    const huge = new RawSocket(network.address)
    huge.socket.write(Buffer.from('ffffffff00000000', 'hex'))
    await eventually('it is out', () => huge.closed)
    const http = new RawSocket(network.address)
    http.socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await eventually('it is out', () => http.closed)
    expect(trace.why('link.refused')[0]).to.equal('a frame of 4294967295 bytes, 512 are allowed')
    expect(trace.why('link.refused')).to.have.length(2)
  })

  it('lets peers in past a crowd of silent connections, and bounds the crowd', async () => {
    const a = await nodes.start('a')
    const b = await nodes.start('b')
    const crowd = Array.from({ length: 200 }, () => new RawSocket(a.network.address))
    await eventually('the crowd is bounded', () => crowd.filter((one) => one.closed).length === 136)
    expect(a.network.strangers).to.equal(64)
    b.network.learn('a', a.network.address)
    await eventually('the peer is in', () => a.network.connected('b'))
    await nodes.pass(5000)
    await eventually('the crowd is gone', () => crowd.every((one) => one.closed))
    expect(a.network.strangers).to.equal(0)
    expect(a.network.connected('b')).to.equal(true)
  })

  it('keeps no descriptor of a thousand connections that send garbage, nor fills the log', async () => {
    const { network, trace } = await nodes.start('a')
    const before = openSockets()
    for (let round = 0; round < 10; round++) {
      const garbage = Array.from({ length: 100 }, (_, i) => {
        const one = new RawSocket(network.address)
        one.socket.write(Buffer.alloc(1 + ((i * 37) % 700), i + round))
        // Some go on their own.
        if (i % 3 === 0) one.socket.end()
        return one
      })
      await eventually('all are out', async () => {
        await nodes.pass(1000)
        return garbage.every((one) => one.closed)
      })
    }
    await eventually('no descriptor is left', () => openSockets() === before)
    expect(network.strangers).to.equal(0)
    expect(trace.told.length).to.be.below(200)
  })

  it('is not taken in by an authenticated peer that knows no more than the secret', async () => {
    const { network } = await nodes.start('a')
    const twin = new RawPeer(network.address, 'a', 'a')
    await eventually('it is out', () => twin.closed)
    expect(twin.session).to.equal(undefined)
  })

  it('says whose port it is that is in use, and what to do', async () => {
    const { network } = await nodes.start('a')
    const error = await nodes.start('b', { port: network.address.port }).then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).to.be.instanceOf(KvError)
    expect(error.code).to.equal('conflict')
    expect(error.message).to.include(String(network.address.port))
    expect(error.hint).to.include('peerPort')
  })
})
