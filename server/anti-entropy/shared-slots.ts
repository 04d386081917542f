import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { DigestSums, type Leaves } from './leaves.ts'
import { MerkleTree } from './merkle-tree.ts'

/** The slots that this node and another both own, and the tree over them, built once for each state of the leaves. */
export class SharedSlots {
  private readonly leaves: Leaves
  private readonly self: NodeId
  private readonly trees = new Map<NodeId, { tree: MerkleTree; slots: readonly number[]; version: number }>()

  constructor(components: { leaves: Leaves }, settings: { id: NodeId }) {
    this.leaves = components.leaves
    this.self = settings.id
  }

  /** Rising. */
  with(peer: NodeId, table: SlotTable): readonly number[] {
    return table.sharedSlots(this.self, peer)
  }

  /** As the leaves are now. */
  tree(peer: NodeId, table: SlotTable): MerkleTree {
    const slots = this.with(peer, table)
    const { sums, version } = this.leaves
    const built = this.trees.get(peer)
    if (built?.version === version && built.slots === slots) return built.tree
    const tree = new MerkleTree(sums, slots)
    this.trees.set(peer, { tree, slots, version })
    return tree
  }

  /** Digests of nodes of the tree; those of single slots are had without building it. @throws RangeError */
  digests(peer: NodeId, table: SlotTable, level: number, nodes: readonly number[]): DigestSums {
    if (level > 0) return this.tree(peer, table).digests(level, nodes)
    const slots = this.with(peer, table)
    const found = new DigestSums(nodes.length)
    for (const [i, node] of nodes.entries()) {
      const slot = slots[node]
      if (slot === undefined) throw new RangeError(`there is no slot ${node} of ${slots.length}`)
      found.copy(i, this.leaves.sums, slot)
    }
    return found
  }

  /** The other members that own a slot together with this node, in id order. */
  peers(table: SlotTable): NodeId[] {
    for (const id of this.trees.keys()) if (!table.members.includes(id)) this.trees.delete(id)
    return table.members.filter((id) => id !== this.self && this.with(id, table).length > 0)
  }
}
