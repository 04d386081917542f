import type { Address, LinkState, Network, NodeId } from '../../server/ports/network.ts'
import type { Link } from './link.ts'
import type { SimulatedProcess } from './process.ts'
import type { SimulatedNetwork } from './simulated-network.ts'

/** The Network port of one process. */
export class SimulatedEndpoint implements Network {
  readonly id: NodeId
  readonly address: Address
  readonly process: SimulatedProcess
  /** Kept by the network. */
  readonly links = new Map<NodeId, Link>()
  readonly known = new Map<NodeId, Address>()
  readonly dialling = new Set<NodeId>()
  private readonly network: SimulatedNetwork
  private readonly messageHandlers: ((from: NodeId, message: Buffer) => void)[] = []
  private readonly linkHandlers: ((peer: NodeId, state: LinkState) => void)[] = []
  private readonly datagramHandlers: ((datagram: Buffer, from: Address) => void)[] = []
  private readonly linkChanges: [peer: NodeId, state: LinkState][] = []
  private closed = false

  constructor(
    components: { network: SimulatedNetwork; process: SimulatedProcess },
    settings: { id: NodeId; address: Address },
  ) {
    this.network = components.network
    this.process = components.process
    this.id = settings.id
    this.address = settings.address
  }

  learn(peer: NodeId, address: Address): void {
    if (this.closed || peer === this.id) return
    this.known.set(peer, address)
    if (!this.links.has(peer)) this.network.dial(this, peer)
  }

  forget(peer: NodeId): void {
    this.known.delete(peer)
    this.network.close(this, peer)
  }

  send(to: NodeId, message: Buffer): boolean {
    if (this.closed || this.process.dead) return false
    return this.network.send(this, to, message)
  }

  connected(peer: NodeId): boolean {
    return this.links.get(peer)?.mine(this.id).up === true
  }

  onMessage(handler: (from: NodeId, message: Buffer) => void): void {
    this.messageHandlers.push(handler)
  }

  onLink(handler: (peer: NodeId, state: LinkState) => void): void {
    this.linkHandlers.push(handler)
  }

  broadcast(datagram: Buffer): void {
    if (!this.closed && !this.process.dead) this.network.broadcast(this, datagram)
  }

  onDatagram(handler: (datagram: Buffer, from: Address) => void): void {
    this.datagramHandlers.push(handler)
  }

  close(): Promise<void> {
    if (!this.closed) {
      this.closed = true
      this.known.clear()
      this.network.detach(this, false)
    }
    return Promise.resolve()
  }

  receive(from: NodeId, message: Buffer): void {
    if (this.closed) return
    for (const handler of this.messageHandlers) handler(from, message)
  }

  /** Tells the process of a link, after the present event, in the order of the changes. */
  tell(peer: NodeId, state: LinkState): void {
    this.linkChanges.push([peer, state])
    this.network.loop.after(0, () =>
      this.process.run(() => {
        const change = this.linkChanges.shift()
        if (change === undefined || this.closed) return
        for (const handler of this.linkHandlers) handler(...change)
      }),
    )
  }

  hear(datagram: Buffer, from: Address): void {
    if (this.closed) return
    for (const handler of this.datagramHandlers) handler(datagram, from)
  }
}
