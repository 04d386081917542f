import { expect } from 'chai'
import { EventLoop } from './event-loop.ts'
import { Prng } from './prng.ts'
import { SimulatedProcess } from './process.ts'
import type { SimulatedEndpoint } from './simulated-endpoint.ts'
import { NETWORK_LIMITS, SimulatedNetwork } from './simulated-network.ts'
import { TraceHash } from './trace-hash.ts'
import { EPOCH_MS } from './virtual-clock.ts'

const A = { host: '10.0.0.1', port: 1 }
const B = { host: '10.0.0.2', port: 1 }

class Pair {
  readonly loop = new EventLoop({ prng: new Prng(1) })
  readonly network = new SimulatedNetwork(
    { loop: this.loop, prng: new Prng(2), hash: new TraceHash() },
    { ...NETWORK_LIMITS, queueMessages: 50, datagramLoss: 0 },
  )
  readonly a = this.boot('a', A)
  readonly b = this.boot('b', B)
  readonly arrived: string[] = []
  readonly links: string[] = []

  constructor() {
    this.watch(this.a)
    this.watch(this.b)
  }

  boot(id: string, address: typeof A): SimulatedEndpoint {
    const process = new SimulatedProcess({
      loop: this.loop,
      onThrow: (thrown) => {
        throw thrown
      },
    })
    return this.network.attach(process, id, address)
  }

  watch(endpoint: SimulatedEndpoint): void {
    endpoint.onMessage((from, message) => this.arrived.push(`${from}>${endpoint.id} ${message.toString()}`))
    endpoint.onLink((peer, state) => this.links.push(`${endpoint.id} ${state} ${peer}`))
  }

  pass(ms: number): Promise<void> {
    return this.loop.run(this.loop.now + ms * 1000)
  }

  async connect(): Promise<void> {
    this.a.learn('b', B)
    await this.pass(100)
  }

  rule(fields: object): void {
    this.network.rules.add({
      id: 'f',
      kind: 'link',
      from: 'a',
      to: 'b',
      untilMs: EPOCH_MS + 3_600_000,
      ...fields,
    })
  }
}

describe('the simulated network', () => {
  it('connects after learn, tells both ends, and keeps the order of messages', async () => {
    const pair = new Pair()
    expect(pair.a.send('b', Buffer.from('too early'))).to.equal(false)
    await pair.connect()
    expect(pair.links).to.have.members(['a connected b', 'b connected a'])
    for (let count = 0; count < 20; count++) pair.a.send('b', Buffer.from(`${count}`))
    await pair.pass(100)
    expect(pair.arrived).to.deep.equal(Array.from({ length: 20 }, (_, count) => `a>b ${count}`))
  })

  it('delivers what was in the buffer when it was sent', async () => {
    const pair = new Pair()
    await pair.connect()
    const message = Buffer.from('before')
    pair.b.send('a', message)
    message.write('after!')
    await pair.pass(100)
    expect(pair.arrived).to.deep.equal(['b>a before'])
  })

  it('loses, repeats and reorders by its rules', async () => {
    const pair = new Pair()
    await pair.connect()
    pair.rule({ loss: 1 })
    expect(pair.a.send('b', Buffer.from('lost'))).to.equal(true)
    pair.rule({ duplicate: 1 })
    pair.a.send('b', Buffer.from('twice'))
    await pair.pass(500)
    expect(pair.arrived).to.deep.equal(['a>b twice', 'a>b twice'])
    pair.rule({ reorder: 0.5 })
    for (let count = 10; count < 40; count++) pair.a.send('b', Buffer.from(`${count}`))
    await pair.pass(500)
    const later = pair.arrived.slice(2)
    expect(later).to.have.length(30)
    expect(later).not.to.deep.equal([...later].sort())
  })

  it('refuses what its queue has no room for', async () => {
    const pair = new Pair()
    await pair.connect()
    const taken = Array.from({ length: 60 }, () => pair.a.send('b', Buffer.from('x')))
    expect(taken.filter(Boolean)).to.have.length(50)
    await pair.pass(100)
    expect(pair.a.send('b', Buffer.from('room again'))).to.equal(true)
  })

  it('tells the peer of a crash, drops what was on its way, and connects to the next process', async () => {
    const pair = new Pair()
    await pair.connect()
    pair.a.send('b', Buffer.from('on its way'))
    pair.b.process.die()
    pair.network.detach(pair.b, false)
    await pair.pass(50)
    expect(pair.links).to.include('a disconnected b')
    expect(pair.a.connected('b')).to.equal(false)
    const again = pair.boot('b', B)
    pair.watch(again)
    await pair.pass(10_000)
    expect(pair.a.connected('b')).to.equal(true)
    pair.a.send('b', Buffer.from('hello'))
    await pair.pass(100)
    expect(pair.arrived).to.deep.equal(['a>b hello'])
  })

  it('is silent when it is cut, gives the link up later, and connects again when it is healed', async () => {
    const pair = new Pair()
    await pair.connect()
    pair.rule({ kind: 'partition', groups: [['a']] })
    for (let second = 0; second < 10; second++) {
      pair.a.send('b', Buffer.from('never'))
      await pair.pass(1_000)
      if (second === 0) expect(pair.a.connected('b')).to.equal(true)
    }
    expect(pair.a.connected('b')).to.equal(false)
    expect(pair.arrived).to.deep.equal([])
    pair.network.rules.heal()
    await pair.pass(10_000)
    expect(pair.a.connected('b')).to.equal(true)
  })

  it('broadcasts to every process in reach', async () => {
    const pair = new Pair()
    const heard: string[] = []
    pair.b.onDatagram((datagram, from) => heard.push(`${datagram.toString()} from ${from.host}`))
    pair.a.broadcast(Buffer.from('here I am'))
    await pair.pass(100)
    pair.rule({ kind: 'partition', groups: [['a']] })
    pair.a.broadcast(Buffer.from('anyone?'))
    await pair.pass(100)
    expect(heard).to.deep.equal(['here I am from 10.0.0.1'])
  })
})
