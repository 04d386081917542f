import type { Layout } from '../membership/layout.ts'
import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { Moment } from '../rpc/moment.ts'

/** What a coordinator needs to know of the ring; membership provides it. */
export interface RingView {
  layout(): Layout | undefined
  slots(): SlotTable | undefined
  /** A link is there and the failure detector has nothing against the node. True for this node itself. */
  reachable(id: NodeId): boolean
  /** Why most of the other nodes will not have this one, so that it speaks for no ring; undefined where they will. */
  refusal(): string | undefined
  /** False while this node's clock may be too far from its peers'. */
  clockTrusted(): boolean
  /** The clocks by which requests say until when they may be served. */
  readonly moments: { now(): Moment; of(id: NodeId): Moment | undefined }
  /** Nodes in reach that say they keep hints for the owner. */
  hintHolders(owner: NodeId): readonly NodeId[]
  /** True where hints for the owner may lie with a node out of reach, or one that has not said what it keeps. */
  mayHoldHintsElsewhere(owner: NodeId): boolean
}
