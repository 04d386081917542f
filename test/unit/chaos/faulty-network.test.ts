import { expect } from 'chai'
import { FaultRules } from '../../../server/chaos/fault-rules.ts'
import { FaultyNetwork } from '../../../server/chaos/faulty-network.ts'
import type { Address, LinkState, Network, NodeId } from '../../../server/ports/network.ts'
import type { FaultRule } from '../../../shared/api.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { ManualClock } from '../manual-clock.ts'

/** Keeps what it is given, and gives what the test says. */
class FakeNetwork implements Network {
  sent: [NodeId, string, number][] = []
  broadcasts: string[] = []
  known: [NodeId, Address | undefined][] = []
  linked = true
  accepts = true
  closed = false
  receive: (from: NodeId, message: Buffer) => void = () => {}
  hear: (datagram: Buffer, from: Address) => void = () => {}
  link: (peer: NodeId, state: LinkState) => void = () => {}
  private readonly clock: ManualClock

  constructor(clock: ManualClock) {
    this.clock = clock
  }

  learn(peer: NodeId, address: Address): void {
    this.known.push([peer, address])
  }

  forget(peer: NodeId): void {
    this.known.push([peer, undefined])
  }

  send(to: NodeId, message: Buffer): boolean {
    if (this.linked && this.accepts) this.sent.push([to, message.toString(), this.clock.monotonicMs()])
    return this.linked && this.accepts
  }

  connected(): boolean {
    return this.linked
  }

  onMessage(handler: (from: NodeId, message: Buffer) => void): void {
    this.receive = handler
  }

  onLink(handler: (peer: NodeId, state: LinkState) => void): void {
    this.link = handler
  }

  broadcast(datagram: Buffer): void {
    this.broadcasts.push(datagram.toString())
  }

  onDatagram(handler: (datagram: Buffer, from: Address) => void): void {
    this.hear = handler
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

describe('FaultyNetwork', () => {
  let clock: ManualClock
  let inner: FakeNetwork
  let rules: FaultRules
  let network: FaultyNetwork

  beforeEach(() => {
    clock = new ManualClock()
    inner = new FakeNetwork(clock)
    rules = new FaultRules(clock)
    network = make()
  })

  const make = (settings = {}) => {
    const random = new SeededRandom({ prng: new Prng(1) })
    return new FaultyNetwork({ clock, random, network: inner, rules }, { id: 'n1', ...settings })
  }
  const link = (more: Partial<FaultRule>) =>
    rules.add({ id: 'l', kind: 'link', from: 'n1', to: 'n2', untilMs: clock.wallMs() + 3_600_000, ...more })
  const partition = (groups: string[][], oneWay = false) =>
    rules.add({ id: 'p', kind: 'partition', groups, oneWay, untilMs: clock.wallMs() + 3_600_000 })
  const send = (text: string, to = 'n2') => network.send(to, Buffer.from(text))
  const texts = () => inner.sent.map(([, text]) => text)

  it('passes everything on as it is without rules', async () => {
    const heard: string[] = []
    network.onMessage((from, message) => heard.push(`${from} ${message}`))
    network.onLink((peer, state) => heard.push(`${peer} ${state}`))
    network.onDatagram((datagram, from) => heard.push(`${from.port} ${datagram}`))
    expect(send('x')).to.equal(true)
    inner.accepts = false
    expect(send('full')).to.equal(false)
    inner.receive('n2', Buffer.from('y'))
    inner.link('n2', 'disconnected')
    inner.hear(Buffer.from('z'), { host: 'h', port: 1 })
    network.broadcast(Buffer.from('b'))
    network.learn('n3', { host: 'h', port: 2 })
    network.forget('n3')
    expect(network.connected('n2')).to.equal(true)
    expect(inner.sent).to.deep.equal([['n2', 'x', 0]])
    expect(heard).to.deep.equal(['n2 y', 'n2 disconnected', '1 z'])
    expect(inner.broadcasts).to.deep.equal(['b'])
    expect(inner.known).to.deep.equal([
      ['n3', { host: 'h', port: 2 }],
      ['n3', undefined],
    ])
    await network.close()
    expect(inner.closed).to.equal(true)
  })

  it('makes a partition of silence: links stay, what is sent is lost on both sides', () => {
    const heard: string[] = []
    network.onMessage((from, message) => heard.push(`${from} ${message}`))
    partition([['n1', 'n3']])
    expect(send('lost')).to.equal(true)
    expect(send('kept', 'n3')).to.equal(true)
    inner.receive('n2', Buffer.from('lost'))
    inner.receive('n3', Buffer.from('kept'))
    expect(network.connected('n2')).to.equal(true)
    expect(texts()).to.deep.equal(['kept'])
    expect(heard).to.deep.equal(['n3 kept'])
    rules.heal()
    send('healed')
    inner.receive('n2', Buffer.from('healed'))
    expect(texts()).to.deep.equal(['kept', 'healed'])
    expect(heard).to.deep.equal(['n3 kept', 'n2 healed'])
  })

  it('loses one direction of a one-way partition', () => {
    const heard: string[] = []
    network.onMessage((_, message) => heard.push(message.toString()))
    partition([['n2']], true)
    send('passes')
    inner.receive('n2', Buffer.from('lost'))
    expect(texts()).to.deep.equal(['passes'])
    expect(heard).to.deep.equal([])
  })

  it('still says that a message was certainly not sent where there is no link', () => {
    partition([['n1']])
    inner.linked = false
    expect(send('x')).to.equal(false)
    rules.heal()
    link({ latencyMs: 10 })
    expect(send('x')).to.equal(false)
  })

  it('delays by latency and jitter, keeping a copy of the message', () => {
    link({ latencyMs: 100, jitterMs: 50 })
    const message = Buffer.from('first')
    expect(network.send('n2', message)).to.equal(true)
    message.write('later')
    for (let i = 0; i < 99; i++) send('more')
    send('at once', 'n3')
    clock.advance(1000)
    const [first, ...others] = inner.sent as [[string, string, number], ...[string, string, number][]]
    expect(first).to.deep.equal(['n3', 'at once', 0])
    const times = others.map(([, , atMs]) => atMs)
    expect(times).to.have.length(100)
    expect(Math.min(...times)).to.be.within(100, 110)
    expect(Math.max(...times)).to.be.within(140, 150)
    expect(texts()).to.include('first').and.not.include('later')
  })

  it('loses and repeats the given part of the messages', () => {
    link({ loss: 0.3, duplicate: 0.5 })
    for (let i = 0; i < 10_000; i++) expect(send(String(i))).to.equal(true)
    expect(new Set(texts()).size).to.be.within(6700, 7300)
    expect(inner.sent.length / new Set(texts()).size).to.be.within(1.45, 1.55)
  })

  it('loses all and none at the ends of the range', () => {
    link({ loss: 1 })
    for (let i = 0; i < 1000; i++) send('x')
    expect(inner.sent).to.deep.equal([])
    link({ loss: 0 })
    for (let i = 0; i < 1000; i++) send('x')
    expect(inner.sent).to.have.length(1000)
  })

  it('reorders the given part of the messages, and loses none', () => {
    link({ reorder: 0.2 })
    for (let i = 0; i < 1000; i++) {
      send(String(i))
      clock.advance(1)
    }
    const straight = inner.sent.filter(([, text, atMs]) => Number(text) === atMs).length
    expect(straight).to.be.within(750, 850)
    clock.advance(1000)
    expect(new Set(texts()).size).to.equal(1000)
    expect(texts()).not.to.deep.equal([...texts()].sort((a, b) => Number(a) - Number(b)))
  })

  it('loses what is held back when a partition comes', () => {
    link({ latencyMs: 100 })
    send('too late')
    partition([['n1']])
    clock.advance(200)
    expect(inner.sent).to.deep.equal([])
  })

  it('holds back no more than its bounds, and drops the oldest', () => {
    link({ latencyMs: 100 })
    network = make({ maxHeldMessages: 3 })
    for (const text of ['1', '2', '3', '4', '5']) send(text)
    clock.advance(100)
    expect(texts()).to.deep.equal(['3', '4', '5'])
    inner.sent = []
    network = make({ maxHeldBytes: 10 })
    for (const text of ['aaaa', 'bbbb', 'cccc']) send(text)
    clock.advance(100)
    expect(texts()).to.deep.equal(['bbbb', 'cccc'])
    expect(clock.waiting).to.equal(0)
  })

  it('sends nothing more once it is closed', async () => {
    link({ latencyMs: 100 })
    send('x')
    await network.close()
    clock.advance(200)
    expect(inner.sent).to.deep.equal([])
    expect(clock.waiting).to.equal(0)
  })
})
