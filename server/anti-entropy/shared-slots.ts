import type { NodeId } from '../ports/network.ts'
import type { Floors } from '../replica/floors.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { DIGEST_WORDS, DigestSums, type Leaves } from './leaves.ts'
import { MerkleTree } from './merkle-tree.ts'
import { scramble } from './record-digest.ts'

export interface SharedSlotsComponents {
  readonly leaves: Leaves
  readonly floors: Pick<Floors, 'digest' | 'version'>
}

/**
 * The slots that this node and another both own, and the tree over them, built once for each state of the leaves. The
 * digest of a slot is that of its records, and of its floor: an owner that holds the same records, but does not know
 * what was collected beside them, would take it from whoever still has it.
 */
export class SharedSlots {
  private readonly components: SharedSlotsComponents
  private readonly self: NodeId
  private readonly trees = new Map<
    NodeId,
    { tree: MerkleTree; slots: readonly number[]; records: number; floors: number }
  >()

  constructor(components: SharedSlotsComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  /** Rising. */
  with(peer: NodeId, table: SlotTable): readonly number[] {
    return table.sharedSlots(this.self, peer)
  }

  /** As the leaves and the floors are now. */
  tree(peer: NodeId, table: SlotTable): MerkleTree {
    const slots = this.with(peer, table)
    const { leaves, floors } = this.components
    const built = this.trees.get(peer)
    if (built?.slots === slots && built.records === leaves.version && built.floors === floors.version)
      return built.tree
    const tree = new MerkleTree(this.digestsOf(slots))
    this.trees.set(peer, { tree, slots, records: leaves.version, floors: floors.version })
    return tree
  }

  /** Digests of nodes of the tree; those of single slots are had without building it. @throws RangeError */
  digests(peer: NodeId, table: SlotTable, level: number, nodes: readonly number[]): DigestSums {
    if (level > 0) return this.tree(peer, table).digests(level, nodes)
    const slots = this.with(peer, table)
    return this.digestsOf(
      nodes.map((node) => {
        const slot = slots[node]
        if (slot === undefined) throw new RangeError(`there is no slot ${node} of ${slots.length}`)
        return slot
      }),
    )
  }

  /** Whether `theirs` is the digest of the slot's records here with a floor that has this digest. */
  same(slot: number, theirs: DigestSums, floor = this.components.floors.digest(slot)): boolean {
    return this.digestsOf([slot], () => floor).same(0, theirs)
  }

  /** The other members that own a slot together with this node, in id order. */
  peers(table: SlotTable): NodeId[] {
    for (const id of this.trees.keys()) if (!table.members.includes(id)) this.trees.delete(id)
    return table.members.filter((id) => id !== this.self && this.with(id, table).length > 0)
  }

  private digestsOf(
    slots: readonly number[],
    floorOf = (slot: number) => this.components.floors.digest(slot),
  ): DigestSums {
    const digests = new DigestSums(slots.length)
    const { words } = this.components.leaves.sums
    let to = 0
    for (const slot of slots) {
      const from = slot * DIGEST_WORDS
      const floor = floorOf(slot)
      digests.words[to++] = (words[from] as number) + floor
      digests.words[to++] = (words[from + 1] as number) + scramble(floor)
      digests.words[to++] = words[from + 2] as number
    }
    return digests
  }
}
