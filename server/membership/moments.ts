import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Moment } from '../rpc/moment.ts'
import type { Peer } from './peer-table.ts'

/** The monotonic clocks of this process and of its peers, by which requests say until when they may be served. */
export class Moments {
  private readonly components: { clock: Clock; random: Random; peer: (id: NodeId) => Peer | undefined }
  private readonly session: number

  constructor(components: { clock: Clock; random: Random; peer: (id: NodeId) => Peer | undefined }) {
    this.components = components
    this.session = components.random.u32()
  }

  now(): Moment {
    return { session: this.session, ms: this.components.clock.monotonicMs() }
  }

  /** What the peer's clock reads, or has read shortly before, but nothing ahead of it; undefined until it is heard. */
  of(id: NodeId): Moment | undefined {
    const peer = this.components.peer(id)
    if (peer?.moment === undefined) return undefined
    const { session, ms } = peer.moment
    return { session, ms: ms + this.components.clock.monotonicMs() - peer.heardMs }
  }
}
