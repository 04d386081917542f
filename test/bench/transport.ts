/**
 * Messages between two processes over the peer transport: `npx tsx test/bench/transport.ts [seconds]`.
 * Prints messages a second one way and as ping-pong, CPU of the sender a message, and beside them what a bare
 * socket moves in the same run.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { CryptoRandom } from '../../server/adapters/crypto-random.ts'
import { SystemClock } from '../../server/adapters/system-clock.ts'
import { TcpNetwork } from '../../server/adapters/tcp-network.ts'

const SECRET = Buffer.from('a secret for the benchmark')
const QUIET = { enabled: () => false, event: () => {} }
const MESSAGE = Buffer.alloc(200, 7)
const ECHO = 1

function start(id: string, clock = new SystemClock()): Promise<TcpNetwork> {
  return TcpNetwork.listen(
    { clock, random: new CryptoRandom(), trace: QUIET },
    { id, cluster: 'bench', incarnation: '1', secret: SECRET, host: '127.0.0.1', port: 0 },
  )
}

/** Echoes what begins with a 1, counts the rest, and tells the count when asked. */
async function peer(): Promise<void> {
  const network = await start('peer')
  let count = 0
  network.onMessage((from, message) => {
    if (message[0] === ECHO) network.send(from, message)
    else count++
  })
  const bare = createServer((socket) => socket.resume())
  bare.listen(0, '127.0.0.1')
  await once(bare, 'listening')
  process.on('message', () => process.send?.(count))
  process.send?.({ peer: network.address, bare: (bare.address() as AddressInfo).port })
}

async function oneWay(network: TcpNetwork, ms: number, received: () => Promise<number>): Promise<void> {
  const before = await received()
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  let sent = 0
  while (performance.now() - startMs < ms) {
    for (let i = 0; i < 256; i++) if (network.send('peer', MESSAGE)) sent++
    // A queue that is always a little filled, as busy nodes have it, rather than always full.
    await new Promise((resolve) => setImmediate(resolve))
  }
  const used = process.cpuUsage(cpu)
  let arrived = 0
  while (arrived < sent) arrived = (await received()) - before
  const seconds = (performance.now() - startMs) / 1000
  report('one way', arrived / seconds, used, sent)
}

async function pingPong(network: TcpNetwork, ms: number, inFlight: number): Promise<void> {
  const message = Buffer.alloc(200, ECHO)
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  let answered = 0
  await new Promise<void>((resolve) => {
    let open = inFlight
    network.onMessage(() => {
      if (performance.now() - startMs < ms) {
        answered++
        network.send('peer', message)
      } else if (--open === 0) resolve()
    })
    for (let i = 0; i < inFlight; i++) network.send('peer', message)
  })
  const seconds = (performance.now() - startMs) / 1000
  report(`ping-pong, ${inFlight} in flight`, answered / seconds, process.cpuUsage(cpu), answered)
}

async function bareSocket(port: number, ms: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const batch = Buffer.alloc(256 * MESSAGE.length, 7)
  let sent = 0
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  while (performance.now() - startMs < ms) {
    if (socket.writableLength < 1 << 20) {
      socket.write(batch)
      sent += 256
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  const seconds = (performance.now() - startMs) / 1000
  report('bare socket, 256 messages a write', sent / seconds, process.cpuUsage(cpu), sent)
  socket.end()
}

function report(what: string, rate: number, cpu: NodeJS.CpuUsage, count: number): void {
  const micros = (cpu.user + cpu.system) / count
  console.log(
    `${what.padEnd(36)}${Math.round(rate).toLocaleString('en')}/s`.padEnd(56),
    `${micros.toFixed(2)} µs CPU each`,
  )
}

async function main(): Promise<void> {
  const ms = Number(process.argv[2] ?? 3) * 1000
  const child = fork(new URL(import.meta.url), ['peer'])
  const [told] = (await once(child, 'message')) as [{ peer: { host: string; port: number }; bare: number }]
  const network = await start('driver')
  const linked = new Promise<void>((resolve) => network.onLink(() => resolve()))
  network.learn('peer', told.peer)
  await linked
  const received = async (): Promise<number> => {
    child.send('count')
    const [count] = (await once(child, 'message')) as [number]
    return count
  }
  await bareSocket(told.bare, ms)
  await oneWay(network, ms, received)
  await pingPong(network, ms, 64)
  child.kill()
  process.exit(0)
}

await (process.argv[2] === 'peer' ? peer() : main())
