import type { NodeId } from '../ports/network.ts'
import type { Dialer } from './dialer.ts'
import { LinkSelection } from './link-selection.ts'
import type { TcpLink } from './tcp-link.ts'

/** What the transport knows of one peer. */
export class Peer {
  readonly id: NodeId
  readonly links: LinkSelection<TcpLink>
  /** Absent while it is not known where the peer listens. */
  dialer: Dialer | undefined
  /** Why the last dial failed: told once, not every time. */
  complaint = ''

  constructor(self: NodeId, id: NodeId) {
    this.id = id
    this.links = new LinkSelection(self < id)
  }
}
