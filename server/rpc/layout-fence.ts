import { KvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'

/** Messages, and bytes of them, that wait for a layout; what comes on top is lost, as on a network that loses it. */
const MAX_HELD = 4_096
const MAX_HELD_BYTES = 16 * 1024 * 1024

/** The layouts of the node whose messages these are. */
export interface LayoutSource {
  /** The number of its layout; 0 without one. */
  version(): number
  /** The number of the layout since which the slots have had the owners that they have; 0 without one. */
  placedIn(): number
  /** The node was taken out of the ring. */
  removed(id: NodeId): boolean
  /** `peer` goes by a layout with that number, and this node by an older one. */
  behind(peer: NodeId, version: number): void
}

interface Held {
  readonly from: NodeId
  readonly message: Buffer
}

/**
 * A node takes nothing from a peer that goes by a newer layout until it goes by that layout too. So what it holds was
 * written by nodes with layouts no newer than its own, and what it does by the rules of an old layout (to drop what
 * last-write-wins outranks) can only concern writes that were made under those.
 *
 * In the other direction records are merged alike under every layout, but not by the same owners: what a peer asks that
 * does not know of the latest change of owners is refused, for good if it was that peer that was taken out of the ring.
 * So an owner that goes by the new owners acknowledges nothing any more in the name of the old ones, and answers no read
 * of theirs.
 */
export class LayoutFence {
  private readonly source: LayoutSource
  private held: Held[] = []
  private bytes = 0

  constructor(source: LayoutSource) {
    this.source = source
  }

  get version(): number {
    return this.source.version()
  }

  /** Whether the message must wait; it is kept, or lost where too many are. */
  holds(from: NodeId, version: number, message: Buffer): boolean {
    if (version <= this.source.version()) return false
    if (this.held.length < MAX_HELD && this.bytes + message.length <= MAX_HELD_BYTES) {
      // The message's memory may be used again by the network.
      this.held.push({ from, message: Buffer.from(message) })
      this.bytes += message.length
    }
    this.source.behind(from, version)
    return true
  }

  /** Why nothing that the peer asks is done for it. */
  refusal(from: NodeId, version: number): KvError | undefined {
    if (this.source.removed(from)) return new KvError('conflict', `${from} was removed from the ring`)
    if (version >= this.source.placedIn()) return undefined
    const why = `${from} goes by layout ${version}, and slots have other owners since ${this.source.placedIn()}`
    return new KvError('not_ready', why, 'try again')
  }

  /** The peer goes by that layout: it is fetched where it is newer. */
  heard(from: NodeId, version: number): void {
    const own = this.source.version()
    if (own > 0 && version > own) this.source.behind(from, version)
  }

  /** All that has waited, in the order in which it came; what still has to wait is to be held again. */
  release(): readonly Held[] {
    const { held } = this
    this.held = []
    this.bytes = 0
    return held
  }
}
