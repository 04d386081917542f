import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { Leaves } from './leaves.ts'
import { MerkleTree } from './merkle-tree.ts'

/**
 * Which slots this node and another both own, worked out once for each layout, and the tree over them, once for each
 * state of the leaves.
 */
export class SharedSlots {
  private readonly self: NodeId
  private readonly leaves: Leaves
  private table: SlotTable | undefined
  private byPeer = new Map<NodeId, readonly number[]>()
  private trees = new Map<NodeId, { tree: MerkleTree; version: number }>()

  constructor(components: { leaves: Leaves }, settings: { id: NodeId }) {
    this.leaves = components.leaves
    this.self = settings.id
  }

  /** Rising. */
  with(peer: NodeId, table: SlotTable): readonly number[] {
    if (this.table !== table) {
      this.table = table
      this.byPeer = new Map()
      this.trees = new Map()
    }
    let slots = this.byPeer.get(peer)
    if (slots === undefined) {
      slots = intersection(table.ownerSlots(this.self), table.ownerSlots(peer))
      this.byPeer.set(peer, slots)
    }
    return slots
  }

  /** As the leaves are now. */
  tree(peer: NodeId, table: SlotTable): MerkleTree {
    const slots = this.with(peer, table)
    const { sums, version } = this.leaves
    const built = this.trees.get(peer)
    if (built?.version === version) return built.tree
    const tree = new MerkleTree(sums, slots)
    this.trees.set(peer, { tree, version })
    return tree
  }

  /** The other members that own a slot together with this node, in id order. */
  peers(table: SlotTable): NodeId[] {
    return table.members.filter((id) => id !== this.self && this.with(id, table).length > 0)
  }
}

/** Of two lists that rise. */
function intersection(a: readonly number[], b: readonly number[]): number[] {
  const both: number[] = []
  let j = 0
  for (const slot of a) {
    while (j < b.length && (b[j] as number) < slot) j++
    if (b[j] === slot) both.push(slot)
  }
  return both
}
