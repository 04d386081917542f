import { fork } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect } from 'chai'
import { UdpBroadcast, type UdpBroadcastSettings } from '../../../server/adapters/udp-broadcast.ts'
import type { Address } from '../../../server/ports/network.ts'
import { KvError } from '../../../shared/errors.ts'
import { eventually } from '../../eventually.ts'
import { ManualClock } from '../manual-clock.ts'
import { RecordingTrace } from '../recording-trace.ts'

describe('UdpBroadcast', () => {
  const open: { close(): Promise<void> }[] = []
  const strangers: Socket[] = []

  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()))
    for (const socket of strangers.splice(0)) socket.close()
  })

  async function start(settings: Partial<UdpBroadcastSettings> = {}) {
    const clock = new ManualClock()
    const trace = new RecordingTrace()
    const udp = await UdpBroadcast.open({ clock, trace }, { host: '127.0.0.1', port: 0, ...settings })
    open.push(udp)
    const heard: [string, Address][] = []
    udp.onDatagram((datagram, from) => heard.push([datagram.toString('latin1'), from]))
    return { udp, clock, trace, heard }
  }

  function stranger(): Socket {
    const socket = createSocket('udp4')
    strangers.push(socket)
    return socket
  }

  it('reaches every process of the machine that shares the port', async () => {
    const first = await start()
    const names = ['1', '2', '3', '4', '5']
    const heard = names.map(() => new Set<string>())
    const children = names.map((name, i) => {
      const child = fork(new URL('./udp-node.ts', import.meta.url), [String(first.udp.port), name])
      child.on('message', (told: string[]) => {
        heard[i] = new Set(told)
      })
      return child
    })
    try {
      await eventually('each hears all', () => heard.every((one) => one.size === 5), 20_000)
    } finally {
      await Promise.all(
        children.map(async (child) => {
          const exit = once(child, 'exit')
          child.kill()
          await exit
        }),
      )
    }
    expect(new Set(first.heard.map(([name]) => name))).to.deep.equal(new Set(names))
  })

  it('says where a datagram came from', async () => {
    const a = await start()
    const b = await start({ port: a.udp.port })
    a.udp.broadcast(Buffer.from('hello'))
    await eventually('it is heard', () => b.heard.length > 0)
    expect(b.heard[0]).to.deep.equal(['hello', { host: '127.0.0.1', port: a.udp.port }])
  })

  it('sends to seeds one by one, where there is no broadcast', async () => {
    const seed = await start({ broadcast: '' })
    const seeds = [{ host: '127.0.0.1', port: seed.udp.port }]
    const node = await start({ broadcast: '', seeds })
    node.udp.broadcast(Buffer.from('to the seed'))
    await eventually('it is heard', () => seed.heard.length === 1)
    expect(node.heard).to.deep.equal([])
  })

  it('reaches a multicast group', async () => {
    const a = await start({ broadcast: '', multicast: '239.255.71.71' })
    const b = await start({ broadcast: '', multicast: '239.255.71.71', port: a.udp.port })
    a.udp.broadcast(Buffer.from('to the group'))
    await eventually('it is heard', () => b.heard.length === 1)
    expect(b.heard[0]?.[0]).to.equal('to the group')
  })

  it('takes in no more of a flood than its limits', async () => {
    const limits = { perSource: { perSecond: 10, burst: 20 }, total: { perSecond: 30, burst: 50 } }
    const { udp, clock, heard } = await start({ limits })
    const sources = Array.from({ length: 4 }, stranger)
    const flood = async () => {
      for (let i = 0; i < 100; i++) {
        for (const source of sources) source.send(`x${i}`, udp.port, '127.0.0.1')
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await flood()
    await eventually('the burst is taken in', () => heard.length === 50)
    await flood()
    expect(heard).to.have.length(50)
    clock.advance(1000)
    await eventually('a second more', async () => {
      await flood()
      return heard.length === 80
    })
    expect(Math.max(...countBySource(heard))).to.be.at.most(30)
  })

  it('hears the others while one source floods', async () => {
    const limits = { perSource: { perSecond: 10, burst: 20 }, total: { perSecond: 30, burst: 50 } }
    const { udp, heard } = await start({ limits })
    const [flooder, other] = [stranger(), stranger()]
    for (let i = 0; i < 500; i++) flooder.send('flood', udp.port, '127.0.0.1')
    await eventually('the flood is cut short', () => heard.length === 20)
    await eventually('the other is heard', () => {
      other.send('hello', udp.port, '127.0.0.1')
      return heard.some(([text]) => text === 'hello')
    })
  })

  it('neither takes in nor sends what is too long', async () => {
    const { udp, trace, heard } = await start()
    const other = stranger()
    udp.broadcast(Buffer.alloc(1201))
    expect(trace.why('discovery.oversized')).to.deep.equal(['1201 bytes'])
    other.send(Buffer.alloc(1201), udp.port, '127.0.0.1')
    other.send(Buffer.alloc(1200, 'a'), udp.port, '127.0.0.1')
    await eventually('the shorter one is heard', () => heard.length > 0)
    expect(heard.map(([text]) => text.length)).to.deep.equal([1200])
  })

  it('tells of a network that does not carry datagrams, but not every time', async () => {
    const { udp, trace } = await start({ seeds: [{ host: '192.0.2.1', port: 9 }] })
    for (let i = 0; i < 50; i++) udp.broadcast(Buffer.from('x'))
    await eventually('it is told', () => trace.why('discovery.failed').length > 0)
    await new Promise((resolve) => setImmediate(resolve))
    expect(trace.told.length).to.be.at.most(3)
  })

  it('says that another program has the port', async () => {
    const greedy = stranger()
    greedy.bind(0, '127.0.0.1')
    await once(greedy, 'listening')
    const error = await start({ port: greedy.address().port }).then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).to.be.instanceOf(KvError)
    expect(error.code).to.equal('conflict')
    expect(error.hint).to.include('discovery.port')
  })

  it('is silent once it is closed', async () => {
    const a = await start()
    const b = await start({ port: a.udp.port })
    await a.udp.close()
    await a.udp.close()
    a.udp.broadcast(Buffer.from('late'))
    b.udp.broadcast(Buffer.from('on time'))
    await eventually('b hears itself', () => b.heard.length > 0)
    expect(b.heard.map(([text]) => text)).to.deep.equal(['on time'])
    expect(a.heard).to.deep.equal([])
  })
})

function countBySource(heard: readonly [string, Address][]): number[] {
  const counts = new Map<number, number>()
  for (const [, { port }] of heard) counts.set(port, (counts.get(port) ?? 0) + 1)
  return [...counts.values()]
}
