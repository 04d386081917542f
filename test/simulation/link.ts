import type { NodeId } from '../../server/ports/network.ts'
import type { SimulatedEndpoint } from './simulated-endpoint.ts'

/** One end's view of a link: the two ends come up and go down at different moments. */
export interface LinkEnd {
  readonly endpoint: SimulatedEndpoint
  up: boolean
  /** Bytes and messages on their way from this end to the other. */
  bytesOut: number
  messagesOut: number
  /** Virtual time at which the latest message in order arrives at the other end. */
  lastArrival: number
}

/** A connection between two processes: never outlives either. */
export class Link {
  readonly ends: readonly [LinkEnd, LinkEnd]
  /** Virtual time of the first message that a cut has swallowed since the last that got through; -1 is none. */
  silentSince = -1

  constructor(a: SimulatedEndpoint, b: SimulatedEndpoint) {
    this.ends = [end(a), end(b)]
  }

  mine(id: NodeId): LinkEnd {
    return this.ends[0].endpoint.id === id ? this.ends[0] : this.ends[1]
  }

  other(id: NodeId): LinkEnd {
    return this.ends[0].endpoint.id === id ? this.ends[1] : this.ends[0]
  }
}

function end(endpoint: SimulatedEndpoint): LinkEnd {
  return { endpoint, up: false, bytesOut: 0, messagesOut: 0, lastArrival: 0 }
}
