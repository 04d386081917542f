import type { NodeId } from '../ports/network.ts'

/** What hand-off needs to know of the ring; membership provides it. */
export interface HandoffRing {
  /** A link is there and the failure detector has nothing against the node. */
  reachable(id: NodeId): boolean
  /** undefined before the first layout. */
  slots(): { readonly members: readonly NodeId[]; owners(slot: number): readonly NodeId[] } | undefined
}
