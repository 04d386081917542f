import type { NodeId } from '../ports/network.ts'

/** Messages, and bytes of them, that wait for a layout; what comes on top is lost, as on a network that loses it. */
const MAX_HELD = 4_096
const MAX_HELD_BYTES = 16 * 1024 * 1024

/** The layouts of the node whose messages these are. */
export interface LayoutSource {
  /** The number of its layout; 0 without one. */
  version(): number
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
 * The other direction needs no fence while owners stay the same: records are merged alike under every layout.
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

  /** All that has waited, in the order in which it came; what still has to wait is to be held again. */
  release(): readonly Held[] {
    const { held } = this
    this.held = []
    this.bytes = 0
    return held
  }
}
