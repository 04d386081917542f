import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'

/** What a node has to be given yet of the slots that it owns. */
export interface Unfilled {
  readonly slots: number
  /** Owners of these slots with whom the node has to be compared yet, in id order. */
  readonly lacking: readonly NodeId[]
  /** The other owners, for each list of owners that one of these slots has. */
  readonly groups: readonly (readonly NodeId[])[]
}

export const FILLED: Unfilled = { slots: 0, lacking: [], groups: [] }

/** A slot of `due` is filled once the node has been compared with every other owner of it. */
export function unfilledOf(
  table: SlotTable,
  due: Iterable<number>,
  self: NodeId,
  compared: ReadonlySet<NodeId>,
): Unfilled {
  let slots = 0
  const lists = new Set<readonly NodeId[]>()
  for (const slot of due) {
    const owners = table.owners(slot)
    if (filled(owners, self, compared)) continue
    slots++
    lists.add(owners)
  }
  const groups = [...lists].map((owners) => owners.filter((id) => id !== self))
  const others = new Set(groups.flat())
  const lacking = table.members.filter((id) => others.has(id) && !compared.has(id))
  return { slots, lacking, groups }
}

/** Also where it is none of the owners. */
export function filled(owners: readonly NodeId[], self: NodeId, compared: ReadonlySet<NodeId>): boolean {
  return !owners.includes(self) || owners.every((owner) => owner === self || compared.has(owner))
}
