import HashRing from 'hashring'
import type { NodeId } from '../ports/network.ts'
import type { RingMember } from './slot-table.ts'

/** Hashes per node of weight 1; ketama makes four points of each. */
const HASHES_PER_WEIGHT = 64
const MAX_HASHES = 512

/** The circle on which every node has points by its weight, and every slot has a place (ketama consistent hashing). */
export class RingOrder {
  private readonly ring: HashRing

  /** `members` in id order: two points in one place fall to the first of the nodes. */
  constructor(members: readonly RingMember[]) {
    // The package wants a plain object. The prefix keeps ids such as __proto__ from meaning something to it.
    const servers = Object.fromEntries(
      members.map(({ id, weight }) => {
        const hashes = Math.round(weight * HASHES_PER_WEIGHT)
        return [`node ${id}`, { vnodes: Math.min(Math.max(hashes, 1), MAX_HASHES) }]
      }),
    )
    // A `vnode count` that no node has makes the package take every node's own one as it is.
    this.ring = new HashRing(servers, 'md5', { 'vnode count': 0, 'max cache size': 1 })
  }

  /** The first `count` distinct nodes met from the place of the slot on. */
  from(slot: number, count: number): NodeId[] {
    return this.ring.range(`slot ${slot}`, count).map((server) => server.slice('node '.length))
  }
}
