import { FaultRules } from '../../server/chaos/fault-rules.ts'
import type { Address, NodeId } from '../../server/ports/network.ts'
import type { EventLoop } from './event-loop.ts'
import { Link, type LinkEnd } from './link.ts'
import type { Prng } from './prng.ts'
import type { SimulatedProcess } from './process.ts'
import { SimulatedEndpoint } from './simulated-endpoint.ts'
import type { TraceHash } from './trace-hash.ts'
import { trueClock } from './virtual-clock.ts'

export interface NetworkLimits {
  /** What one direction of a link holds; over it, `send` refuses. */
  readonly queueBytes: number
  readonly queueMessages: number
  /** Probability that a datagram is lost on the way to one of its receivers. */
  readonly datagramLoss: number
}

export const NETWORK_LIMITS: NetworkLimits = { queueBytes: 4 << 20, queueMessages: 4096, datagramLoss: 0.05 }

/** Delay of every message, and the mean of what comes on top (exponential), microseconds: a local network. */
const LATENCY = 150
const JITTER = 100
/** By how much a message is late that others overtake, on average, microseconds. */
const REORDER = 20_000
const DIAL_AGAIN = { first: 100_000, last: 2_000_000 }
/** A cut link is noticed by its sender after this long, microseconds (TCP would send again until then). */
const KEEPALIVE = 4_000_000

/** A sort of messages that gets lost. */
export interface Censor {
  readonly loss: number
  readonly matches: (from: NodeId, message: Buffer) => boolean
}

/** Between which processes a message went, for the readable trace. */
export type DeliveryListener = (
  from: NodeId,
  to: NodeId,
  message: Buffer,
  fate: 'sent' | 'lost' | 'arrived',
) => void

export interface NetworkComponents {
  readonly loop: EventLoop
  readonly prng: Prng
  readonly hash: TraceHash
  readonly onDelivery?: DeliveryListener
}

/** The network between the simulated nodes: links that delay, lose, repeat and reorder messages, and break. */
export class SimulatedNetwork {
  /** What is wrong with the network now: the rules that `kv chaos` has, in virtual wall-clock time. */
  readonly rules: FaultRules
  readonly loop: EventLoop
  private readonly prng: Prng
  private readonly hash: TraceHash
  private readonly onDelivery: DeliveryListener | undefined
  private readonly limits: NetworkLimits
  /** Messages of some sorts that get lost. */
  readonly censors = new Set<Censor>()
  /** The present process behind each address. */
  private readonly listening = new Map<string, SimulatedEndpoint>()

  constructor(components: NetworkComponents, settings: NetworkLimits = NETWORK_LIMITS) {
    this.loop = components.loop
    this.rules = new FaultRules(trueClock(components.loop))
    this.prng = components.prng
    this.hash = components.hash
    this.onDelivery = components.onDelivery
    this.limits = settings
  }

  /** A Network port for one process, which listens until the process dies. */
  attach(process: SimulatedProcess, id: NodeId, address: Address): SimulatedEndpoint {
    const endpoint = new SimulatedEndpoint({ network: this, process }, { id, address })
    this.listening.set(`${address.host}:${address.port}`, endpoint)
    return endpoint
  }

  /** The process is gone: its peers notice, at once where its machine still answers, later where not. */
  detach(endpoint: SimulatedEndpoint, silently: boolean): void {
    const at = `${endpoint.address.host}:${endpoint.address.port}`
    if (this.listening.get(at) === endpoint) this.listening.delete(at)
    for (const link of [...endpoint.links.values()]) {
      const theirs = link.other(endpoint.id)
      const peer = theirs.endpoint.id
      endpoint.links.delete(peer)
      this.lower(
        link,
        theirs,
        silently ? this.prng.between(500_000, 5_000_000) : this.delay(endpoint.id, peer),
      )
    }
  }

  /** The connection between two nodes breaks, if there is one. */
  break(a: NodeId, b: NodeId): void {
    for (const endpoint of this.listening.values()) {
      if (endpoint.id !== a) continue
      const link = endpoint.links.get(b)
      if (link === undefined) continue
      this.lower(link, link.ends[0], this.delay(a, b))
      this.lower(link, link.ends[1], this.delay(b, a))
    }
  }

  /** Tries to connect until there is a link or the peer is forgotten. */
  dial(from: SimulatedEndpoint, peer: NodeId, wait = 0, attempt = 0): void {
    if (from.dialling.has(peer)) return
    from.dialling.add(peer)
    const there = wait + this.delay(from.id, peer)
    this.loop.after(there, () => {
      from.dialling.delete(peer)
      const address = from.known.get(peer)
      if (from.process.dead || address === undefined || from.links.get(peer)?.mine(from.id).up === true)
        return
      const to = this.listening.get(`${address.host}:${address.port}`)
      const heard = to !== undefined && to.id === peer && to.process.state === 'running'
      if (heard && this.passes(from.id, peer) && this.passes(peer, from.id)) this.connect(from, to)
      else {
        const backoff = Math.min(DIAL_AGAIN.first * 2 ** attempt, DIAL_AGAIN.last)
        this.dial(from, peer, backoff + this.prng.below(backoff), attempt + 1)
      }
    })
  }

  /** @returns whether the message has been taken. */
  send(from: SimulatedEndpoint, to: NodeId, message: Buffer): boolean {
    const link = from.links.get(to)
    const mine = link?.mine(from.id)
    if (link === undefined || mine === undefined || !mine.up) return false
    if (mine.messagesOut >= this.limits.queueMessages) return false
    if (mine.messagesOut > 0 && mine.bytesOut + message.length > this.limits.queueBytes) return false
    const effect = this.rules.effect(from.id, to)
    this.onDelivery?.(from.id, to, message, 'sent')
    if (effect.cut) this.silence(link, mine)
    if (effect.cut || this.prng.chance(effect.loss) || this.censored(from.id, message)) {
      this.onDelivery?.(from.id, to, message, 'lost')
      return true
    }
    link.silentSince = -1
    this.carry(link, mine, Buffer.from(message))
    if (this.prng.chance(effect.duplicate)) this.carry(link, mine, Buffer.from(message))
    return true
  }

  broadcast(from: SimulatedEndpoint, datagram: Buffer): void {
    for (const to of this.listening.values()) {
      if (!this.passes(from.id, to.id) || this.prng.chance(this.limits.datagramLoss)) continue
      const copy = Buffer.from(datagram)
      this.loop.after(this.delay(from.id, to.id), () =>
        to.process.run(() => {
          this.hash.number(this.loop.now)
          this.hash.bytes(copy)
          to.hear(copy, from.address)
        }),
      )
    }
  }

  /** Both ends go down, each when it notices. */
  close(endpoint: SimulatedEndpoint, peer: NodeId): void {
    const link = endpoint.links.get(peer)
    if (link === undefined) return
    this.dropEnd(link, link.mine(endpoint.id))
    this.lower(link, link.other(endpoint.id), this.delay(endpoint.id, peer))
  }

  private connect(from: SimulatedEndpoint, to: SimulatedEndpoint): void {
    const known = to.links.get(from.id)
    // Both may dial at once: one connection is enough.
    if (known !== undefined && known === from.links.get(to.id)) return
    // A link of the peer's former process is found dead when the new one knocks.
    for (const old of [known, from.links.get(to.id)]) {
      if (old !== undefined) for (const end of old.ends) this.dropEnd(old, end)
    }
    const link = new Link(from, to)
    to.links.set(from.id, link)
    from.links.set(to.id, link)
    this.raise(link, link.mine(to.id))
    const back = this.delay(to.id, from.id)
    link.mine(to.id).lastArrival = this.loop.now + back
    this.loop.after(back, () => {
      if (from.links.get(to.id) === link) this.raise(link, link.mine(from.id))
    })
  }

  private carry(link: Link, mine: LinkEnd, message: Buffer): void {
    const from = mine.endpoint
    const to = link.other(from.id).endpoint
    const inOrder = Math.max(this.loop.now + this.delay(from.id, to.id), mine.lastArrival + 1)
    let arrival = inOrder
    if (this.prng.chance(this.rules.effect(from.id, to.id).reorder)) arrival += this.prng.exponential(REORDER)
    else mine.lastArrival = inOrder
    mine.bytesOut += message.length
    mine.messagesOut++
    this.loop.after(arrival - this.loop.now, () =>
      to.process.run(() => {
        mine.bytesOut -= message.length
        mine.messagesOut--
        if (to.links.get(from.id) !== link || !link.mine(to.id).up) return
        this.hash.number(this.loop.now)
        this.hash.name(to.id)
        this.hash.bytes(message)
        this.onDelivery?.(from.id, to.id, message, 'arrived')
        to.receive(from.id, message)
      }),
    )
  }

  private censored(from: NodeId, message: Buffer): boolean {
    for (const { loss, matches } of this.censors)
      if (matches(from, message) && this.prng.chance(loss)) return true
    return false
  }

  /** One message more that nobody acknowledges; in the end the sender gives the link up. */
  private silence(link: Link, mine: LinkEnd): void {
    if (link.silentSince < 0) link.silentSince = this.loop.now
    else if (this.loop.now - link.silentSince > KEEPALIVE) this.lower(link, mine, 0)
  }

  private raise(link: Link, end: LinkEnd): void {
    end.up = true
    const peer = link.other(end.endpoint.id).endpoint.id
    end.endpoint.tell(peer, 'connected')
  }

  private lower(link: Link, end: LinkEnd, delay: number): void {
    this.loop.after(delay, () => this.dropEnd(link, end))
  }

  private dropEnd(link: Link, end: LinkEnd): void {
    const { endpoint } = end
    const peer = link.other(endpoint.id).endpoint.id
    if (endpoint.links.get(peer) !== link) return
    endpoint.links.delete(peer)
    if (end.up) {
      end.up = false
      endpoint.tell(peer, 'disconnected')
    }
    if (!endpoint.process.dead && endpoint.known.has(peer)) this.dial(endpoint, peer, DIAL_AGAIN.first)
  }

  private passes(from: NodeId, to: NodeId): boolean {
    const effect = this.rules.effect(from, to)
    return !effect.cut && !this.prng.chance(effect.loss)
  }

  private delay(from: NodeId, to: NodeId): number {
    const { latencyMs, jitterMs } = this.rules.effect(from, to)
    const calm = LATENCY + this.prng.exponential(JITTER)
    return calm + latencyMs * 1000 + (jitterMs > 0 ? this.prng.below(jitterMs * 1000) : 0)
  }
}
