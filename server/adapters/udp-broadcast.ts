import { createSocket, type Socket } from 'node:dgram'
import { isLoopback } from '../../shared/config-resolve.ts'
import { KvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Address } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import { DatagramLimiter, type DatagramLimits } from './datagram-limiter.ts'
import { TokenBucket } from './token-bucket.ts'

/** Fits one packet of every usual network. */
export const MAX_DATAGRAM_BYTES = 1200

export interface UdpBroadcastSettings {
  /** Where the node listens; on loopback, datagrams neither leave the machine nor come from outside. */
  readonly host: string
  /** The same on all nodes. */
  readonly port: number
  /** '' for none; when absent 127.255.255.255 on loopback, else 255.255.255.255. */
  readonly broadcast?: string | undefined
  /** '' for none. */
  readonly multicast?: string | undefined
  /** Are sent every datagram one by one. */
  readonly seeds?: readonly Address[] | undefined
  readonly limits?: DatagramLimits | undefined
}

export interface UdpBroadcastComponents {
  readonly clock: Clock
  readonly trace: Trace
}

/** All nodes of one machine are one source, for they share an address and a port. */
const LIMITS: DatagramLimits = {
  perSource: { perSecond: 500, burst: 1000 },
  total: { perSecond: 2000, burst: 4000 },
}

/** Failures told: one a minute, after the first few. */
const TOLD = { perSecond: 1 / 60, burst: 3 }

type Handler = (datagram: Buffer, from: Address) => void

/** Datagrams to every node in reach, on one port that all nodes of a machine can share. */
export class UdpBroadcast {
  private readonly components: UdpBroadcastComponents
  private readonly limiter: DatagramLimiter
  private readonly told: TokenBucket
  private readonly sockets: Socket[]
  private readonly targets: readonly Address[]
  private readonly handlers: Handler[] = []
  private closed = false

  private constructor(
    components: UdpBroadcastComponents,
    limits: DatagramLimits,
    sockets: Socket[],
    targets: readonly Address[],
  ) {
    this.components = components
    this.limiter = new DatagramLimiter(components.clock, limits)
    this.told = new TokenBucket(components.clock, TOLD)
    this.sockets = sockets
    this.targets = targets
    for (const socket of sockets) {
      socket.on('message', (datagram, { address, port }) => this.receive(datagram, { host: address, port }))
      socket.on('error', (error) => this.tell('discovery.failed', error.message))
    }
  }

  /** @throws KvError `conflict` where the port is taken by a program that does not share it. */
  static async open(
    components: UdpBroadcastComponents,
    settings: UdpBroadcastSettings,
  ): Promise<UdpBroadcast> {
    const local = isLoopback(settings.host)
    const broadcast = settings.broadcast ?? (local ? '127.255.255.255' : '255.255.255.255')
    const groups = [broadcast, settings.multicast ?? ''].filter((group) => group !== '')
    const sockets: Socket[] = []
    try {
      // A socket that is bound to one address hears nothing that was sent to another, broadcasts included.
      sockets.push(await bind(local ? '127.0.0.1' : '0.0.0.0', settings.port))
      const { port } = (sockets[0] as Socket).address()
      if (local) for (const group of groups) sockets.push(await bind(group, port))
      if (settings.multicast) joinGroup(sockets, settings.multicast, local)
      const targets = [...groups.map((host) => ({ host, port })), ...(settings.seeds ?? [])]
      return new UdpBroadcast(components, settings.limits ?? LIMITS, sockets, targets)
    } catch (error) {
      for (const socket of sockets) socket.close()
      throw bindError(error, settings)
    }
  }

  get port(): number {
    return (this.sockets[0] as Socket).address().port
  }

  broadcast(datagram: Buffer): void {
    if (this.closed) return
    if (datagram.length > MAX_DATAGRAM_BYTES)
      return this.tell('discovery.oversized', `${datagram.length} bytes`)
    for (const { host, port } of this.targets) {
      this.sockets[0]?.send(datagram, port, host, (error) => {
        if (error !== null) this.tell('discovery.failed', `${host}:${port}: ${error.message}`)
      })
    }
  }

  onDatagram(handler: Handler): void {
    this.handlers.push(handler)
  }

  async close(): Promise<void> {
    if (this.closed) return
    this.closed = true
    await Promise.all(this.sockets.map((socket) => new Promise<void>((done) => socket.close(done))))
  }

  private receive(datagram: Buffer, from: Address): void {
    if (this.closed || datagram.length > MAX_DATAGRAM_BYTES) return
    if (!this.limiter.admit(`${from.host}:${from.port}`)) return
    for (const handler of this.handlers) handler(datagram, from)
  }

  private tell(event: string, why: string): void {
    if (!this.closed && this.told.take()) this.components.trace.event('warn', event, { why })
  }
}

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind(port, host, () => {
      socket.removeAllListeners('error')
      socket.setBroadcast(true)
      resolve(socket)
    })
  })
}

function joinGroup(sockets: readonly Socket[], group: string, local: boolean): void {
  // Membership belongs to the machine's interface, so any socket may ask for it.
  const listening = sockets.at(-1) as Socket
  if (local) {
    listening.addMembership(group, '127.0.0.1')
    for (const socket of sockets) socket.setMulticastInterface('127.0.0.1')
  } else listening.addMembership(group)
}

function bindError(error: unknown, { host, port }: UdpBroadcastSettings): KvError {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') {
    return new KvError(
      'conflict',
      `the UDP port ${port} for discovery is in use by a program that does not share it`,
      'choose another with discovery.port, the same on all nodes',
    )
  }
  return new KvError('usage', `discovery cannot listen on ${host}: ${message}`, 'check host and discovery.*')
}
