import { type AddressInfo, connect, type Server } from 'node:net'
import { KvError } from '../../shared/errors.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Address, LinkState, Network, NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Trace } from '../ports/trace.ts'
import type { Connection } from './connection.ts'
import { Dialer } from './dialer.ts'
import { Exclusion } from './exclusion.ts'
import { FlushTick } from './flush-tick.ts'
import { Gate } from './gate.ts'
import { checkIdentity, type Greeting, type Identity, NONCE_BYTES, PROCESS_BYTES } from './greeting.ts'
import { AcceptorHandshake, DialerHandshake, duplicate, linkKey, type Session } from './handshake.ts'
import { Introduction } from './introduction.ts'
import { listen } from './listen.ts'
import { Peer } from './peer.ts'
import { TcpLink } from './tcp-link.ts'
import { DEFAULT_TUNING, type TcpNetworkSettings, type TcpTuning } from './tcp-settings.ts'
import type { UdpBroadcast } from './udp-broadcast.ts'

export interface TcpNetworkComponents {
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
  /** Closed with the network. Absent: datagrams go nowhere. */
  readonly broadcast?: UdpBroadcast | undefined
}

/** Peers over persistent, authenticated TCP connections; datagrams over UDP. Handlers add up and must not throw. */
export class TcpNetwork implements Network {
  /** Where it listens, with the port that was taken. */
  readonly address: Address
  private readonly components: TcpNetworkComponents
  private readonly tuning: TcpTuning
  private readonly self: Identity
  /** Absent without a cluster secret. */
  private readonly key: Buffer | undefined
  private readonly server: Server
  private readonly gate: Gate
  private readonly exclusion: Exclusion
  private readonly tick = new FlushTick()
  private readonly peers = new Map<NodeId, Peer>()
  /** Those of `peers`, and those that run out. */
  private readonly links = new Set<TcpLink>()
  private messageHandlers: ((from: NodeId, message: Buffer) => void)[] = []
  private linkHandlers: ((peer: NodeId, state: LinkState) => void)[] = []
  private sweeping: Timer
  private closing: Promise<void> | undefined
  private readonly onFrame = (from: NodeId, message: Buffer) => {
    for (const handler of this.messageHandlers) handler(from, message)
  }

  private constructor(components: TcpNetworkComponents, settings: TcpNetworkSettings, server: Server) {
    const { clock, random, trace } = components
    this.components = components
    this.tuning = { ...DEFAULT_TUNING, ...settings }
    this.self = identityOf(settings, random)
    const key = settings.secret.length > 0 ? linkKey(settings.secret) : undefined
    this.key = key
    this.server = server
    this.exclusion = new Exclusion({ clock })
    this.address = { host: settings.host, port: (server.address() as AddressInfo).port }
    this.gate = new Gate(
      {
        clock,
        trace,
        handshake: () =>
          new AcceptorHandshake(key as Buffer, this.self, random.bytes(NONCE_BYTES), (peer) =>
            this.isTaken(peer),
          ),
        admit: ({ connection, session }) => this.admit(connection, session, false),
      },
      this.tuning,
    )
    server.on('connection', (socket) => {
      if (this.key === undefined || this.closing !== undefined) socket.destroy()
      else this.gate.enter(socket)
    })
    server.on('error', (error) => trace.event('error', 'link.accept_failed', { why: error.message }))
    this.sweeping = clock.after(this.tuning.sweepMs, () => this.sweep())
  }

  /** @throws KvError `conflict` where the port is in use, `usage` for settings that cannot work. */
  static async listen(components: TcpNetworkComponents, settings: TcpNetworkSettings): Promise<TcpNetwork> {
    checkIdentity(identityOf(settings, components.random))
    return new TcpNetwork(components, settings, await listen(settings))
  }

  learn(id: NodeId, address: Address): void {
    if (this.closing !== undefined || this.key === undefined || id === this.self.id) return
    const peer = this.peers.get(id) ?? new Peer(this.self.id, id)
    this.peers.set(id, peer)
    if (peer.dialer !== undefined) {
      const { host, port } = peer.dialer.address
      if (host !== address.host || port !== address.port) peer.dialer.redirect(address)
      return
    }
    const { clock, random } = this.components
    const attempt = (to: Address, done: (linked: boolean) => void) => this.dial(peer, to, done)
    peer.dialer = new Dialer({ clock, random, attempt }, this.tuning, address)
    if (peer.links.current === undefined) peer.dialer.dial()
    else peer.dialer.linked()
  }

  forget(id: NodeId): void {
    const peer = this.peers.get(id)
    if (peer === undefined) return
    const wasConnected = peer.links.current !== undefined
    this.peers.delete(id)
    peer.dialer?.stop()
    peer.dialer = undefined
    for (const link of peer.links.all()) link.destroy('the peer was forgotten')
    if (wasConnected) this.tell(id, 'disconnected')
  }

  send(to: NodeId, message: Buffer): boolean {
    return this.peers.get(to)?.links.current?.send(message) ?? false
  }

  connected(id: NodeId): boolean {
    return this.peers.get(id)?.links.current !== undefined
  }

  onMessage(handler: (from: NodeId, message: Buffer) => void): void {
    this.messageHandlers.push(handler)
  }

  onLink(handler: (peer: NodeId, state: LinkState) => void): void {
    this.linkHandlers.push(handler)
  }

  broadcast(datagram: Buffer): void {
    this.components.broadcast?.broadcast(datagram)
  }

  onDatagram(handler: (datagram: Buffer, from: Address) => void): void {
    this.components.broadcast?.onDatagram(handler)
  }

  /** Connections that have not proved who they are. */
  get strangers(): number {
    return this.gate.size
  }

  /** Why this node should end: most peers have another node of its id. undefined where that is not so. */
  excluded(): KvError | undefined {
    let connected = 0
    for (const { links } of this.peers.values()) if (links.current !== undefined) connected++
    return this.exclusion.verdict(connected)
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    this.messageHandlers = []
    this.linkHandlers = []
    this.sweeping.cancel()
    for (const peer of this.peers.values()) peer.dialer?.stop()
    this.peers.clear()
    this.gate.close()
    const gone = [...this.links].map((link) => {
      link.drain()
      return new Promise<void>((resolve) => {
        link.onGone = resolve
      })
    })
    const cutOff = this.components.clock.after(this.tuning.closeMs, () => {
      for (const link of this.links) link.destroy('the node stops')
    })
    const listening = new Promise<void>((resolve) => this.server.close(() => resolve()))
    await Promise.all([...gone, listening, this.components.broadcast?.close()])
    cutOff.cancel()
  }

  private dial(peer: Peer, address: Address, done: (linked: boolean) => void): () => void {
    const { clock, random } = this.components
    const nonce = random.bytes(NONCE_BYTES)
    const handshake = new DialerHandshake(this.key as Buffer, this.self, peer.id, nonce)
    const socket = connect({ ...address, allowHalfOpen: true })
    const introduction = new Introduction({ clock, socket, handshake }, this.tuning.handshakeMs, (result) => {
      if (result instanceof KvError) {
        if (result.code === 'conflict') this.exclusion.refusedBy(peer.id, result)
        this.complain(peer, address, result)
      } else this.admit(result.connection, result.session, true)
      done(!(result instanceof KvError))
    })
    return () => introduction.abort('the peer listens elsewhere now')
  }

  private admit(connection: Connection, session: Session, dialed: boolean): void {
    const known = this.peers.get(session.id)
    if (known === undefined && this.peers.size >= this.tuning.maxPeers) {
      return connection.destroy('there are too many peers')
    }
    if (this.isTaken(session)) return connection.destroy(duplicate(session.id).message)
    const peer = known ?? new Peer(this.self.id, session.id)
    const { tick, onFrame } = this
    const link = new TcpLink({ connection, tick, onMessage: onFrame }, session, dialed, this.tuning)
    this.links.add(link)
    link.onGone = () => this.links.delete(link)
    link.onDown = (why) => {
      this.components.trace.event('info', 'link.down', { peer: peer.id, dialed, why })
      this.follow(peer, peer.links.remove(link))
    }
    this.components.trace.event('info', 'link.up', {
      peer: peer.id,
      dialed,
      incarnation: session.incarnation,
    })
    peer.complaint = ''
    this.exclusion.admittedBy(peer.id)
    const transitions = peer.links.add(link)
    this.peers.set(peer.id, peer)
    this.follow(peer, transitions)
  }

  private isTaken({ id, process }: Greeting): boolean {
    return this.peers.get(id)?.links.heldAgainst(process) === true
  }

  private follow(peer: Peer, transitions: readonly LinkState[]): void {
    for (const state of transitions) {
      // A handler may have had the peer forgotten.
      if (this.peers.get(peer.id) !== peer) return
      if (state === 'connected') peer.dialer?.linked()
      else peer.dialer?.lost()
      this.tell(peer.id, state)
    }
    const isOver = peer.links.current === undefined && peer.dialer === undefined
    if (isOver && this.peers.get(peer.id) === peer) this.peers.delete(peer.id)
  }

  private tell(id: NodeId, state: LinkState): void {
    for (const handler of this.linkHandlers) handler(id, state)
  }

  /** The same complaint is made once, however often the dial is repeated. */
  private complain(peer: Peer, { host, port }: Address, { message, hint }: KvError): void {
    if (this.peers.get(peer.id) !== peer) return
    const level = peer.complaint === message ? 'debug' : 'warn'
    peer.complaint = message
    this.components.trace.event(level, 'link.dial_failed', {
      peer: peer.id,
      address: `${host}:${port}`,
      why: message,
      hint,
    })
  }

  private sweep(): void {
    for (const link of this.links) link.sweep()
    for (const peer of this.peers.values()) peer.links.settle()
    this.sweeping = this.components.clock.after(this.tuning.sweepMs, () => this.sweep())
  }
}

function identityOf({ cluster, id, incarnation }: TcpNetworkSettings, random: Random): Identity {
  return { cluster, id, incarnation, process: random.bytes(PROCESS_BYTES) }
}
