import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'

/**
 * Whose turn it is. A round is over when every peer has been compared with; those out of reach keep it open, and
 * the others have further turns meanwhile. A peer that may have missed something goes first.
 */
export class PeerTurns {
  private readonly random: Random
  private readonly first = new Set<NodeId>()
  /** Of this round, in a random order. */
  private missing: NodeId[] = []
  /** In the order of their turns, for when the missing ones are out of reach. */
  private done: NodeId[] = []
  /** Nobody has had a turn since `restart`. */
  private restarted = false

  constructor(components: { random: Random }) {
    this.random = components.random
  }

  /** Compares with it next. */
  prefer(peer: NodeId): void {
    this.first.add(peer)
  }

  preferred(reachable: (id: NodeId) => boolean): boolean {
    return [...this.first].some(reachable)
  }

  /** Whether there is one within reach that the round still needs. */
  lacking(reachable: (id: NodeId) => boolean): boolean {
    return this.restarted || this.missing.some(reachable)
  }

  /** Compares with everyone anew. */
  restart(): void {
    this.missing = []
    this.done = []
    this.restarted = true
  }

  /** Takes the next one; undefined where none is within reach. `peers` are all that there are now. */
  next(peers: readonly NodeId[], reachable: (id: NodeId) => boolean): NodeId | undefined {
    this.follow(peers)
    for (const peer of this.first) {
      if (!peers.includes(peer)) this.first.delete(peer)
      else if (reachable(peer)) {
        this.first.delete(peer)
        return peer
      }
    }
    const peer = this.missing.find(reachable) ?? this.done.find(reachable)
    if (peer === undefined) return undefined
    this.missing = toEnd(this.missing, peer)
    this.done = toEnd(this.done, peer)
    return peer
  }

  /** @returns true where that was the last one of the round. */
  compared(peer: NodeId): boolean {
    if (!this.missing.includes(peer)) return false
    this.missing = this.missing.filter((id) => id !== peer)
    this.done.push(peer)
    return this.missing.length === 0
  }

  /** Nobody has been compared with in this round yet. */
  get fresh(): boolean {
    return this.done.length === 0
  }

  private follow(peers: readonly NodeId[]): void {
    this.restarted = false
    this.missing = this.missing.filter((id) => peers.includes(id))
    this.done = this.done.filter((id) => peers.includes(id))
    if (this.missing.length === 0) this.done = []
    const known = new Set([...this.missing, ...this.done])
    const unknown = peers.filter((id) => !known.has(id))
    while (unknown.length > 0) {
      const [peer] = unknown.splice(this.random.below(unknown.length), 1)
      this.missing.push(peer as NodeId)
    }
  }
}

function toEnd(peers: readonly NodeId[], peer: NodeId): NodeId[] {
  return peers.includes(peer) ? [...peers.filter((id) => id !== peer), peer] : [...peers]
}
