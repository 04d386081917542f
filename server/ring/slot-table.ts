import { KvError } from '../../shared/errors.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { NodeId } from '../ports/network.ts'
import { Placement } from './placement.ts'
import { RingOrder } from './ring-order.ts'

export interface RingMember {
  readonly id: NodeId
  readonly zone: string
  /** Relative share of the slots; 1 is normal. */
  readonly weight: number
}

const MAX_MEMBERS = 0xffff

/**
 * Who owns which slot: a pure function of the members, their zones and weights, and n. All of it is worked out
 * when the layout changes, so that a request only looks up arrays that are there.
 */
export class SlotTable {
  /** Owners of every slot: what was asked for, or all the members where there are fewer. */
  readonly n: number
  /** In id order. */
  readonly members: readonly NodeId[]
  /** Every list of owners that there is, and how many slots it has. */
  readonly shares: ReadonlyMap<readonly NodeId[], number>
  private readonly ring: RingOrder
  private readonly ownersOf: readonly (readonly NodeId[])[]
  private readonly slotsOf: ReadonlyMap<NodeId, readonly number[]>
  private readonly preferences: (readonly NodeId[])[] = []
  private readonly sharedBy = new Map<string, readonly number[]>()

  /**
   * @param members in any order.
   * @throws KvError `usage` for a node twice, a weight that is not above 0, or n under 1.
   */
  static build(members: readonly RingMember[], n: number): SlotTable {
    check(members, n)
    return new SlotTable(
      [...members].sort((a, b) => (a.id < b.id ? -1 : 1)),
      Math.min(n, members.length),
    )
  }

  private constructor(members: readonly RingMember[], n: number) {
    this.n = n
    this.members = members.map(({ id }) => id)
    this.ring = new RingOrder(members)
    const index = new Map(this.members.map((id, i) => [id, i]))
    const order = (slot: number, count: number): number[] =>
      this.ring.from(slot, count).map((id) => index.get(id) as number)
    const { owners } = new Placement(members, { n, slots: SLOTS, order })
    const shared = new Map<string, readonly NodeId[]>()
    const shares = new Map<readonly NodeId[], number>()
    const slotsOf = new Map(this.members.map((id): [NodeId, number[]] => [id, []]))
    this.ownersOf = Array.from({ length: SLOTS }, (_, slot) => {
      const indices = owners.subarray(slot * n, (slot + 1) * n)
      const ids = intern(shared, indices, this.members)
      for (const id of ids) slotsOf.get(id)?.push(slot)
      shares.set(ids, (shares.get(ids) ?? 0) + 1)
      return ids
    })
    this.shares = shares
    this.slotsOf = slotsOf
  }

  /** The same array at every call: the first n of the preference list. */
  owners(slot: number): readonly NodeId[] {
    return this.ownersOf[slot] as readonly NodeId[]
  }

  /** The owners, then every other member in ring order: who stands in for an owner that is out of reach. */
  preference(slot: number): readonly NodeId[] {
    let preference = this.preferences[slot]
    if (preference === undefined) {
      const owners = this.owners(slot)
      const others = this.ring.from(slot, this.members.length).filter((id) => !owners.includes(id))
      preference = [...owners, ...others]
      this.preferences[slot] = preference
    }
    return preference
  }

  isOwner(slot: number, id: NodeId): boolean {
    return this.owners(slot).includes(id)
  }

  /** The fraction of all slots that the node owns as one of n, from 0 to 1. */
  ownership(id: NodeId): number {
    return this.ownerSlots(id).length / SLOTS
  }

  /** The slots that the node owns, rising. */
  ownerSlots(id: NodeId): readonly number[] {
    return this.slotsOf.get(id) ?? []
  }

  /** The slots that both nodes own, rising: the same array at every call, whichever comes first. */
  sharedSlots(a: NodeId, b: NodeId): readonly number[] {
    const pair = a < b ? `${a}\0${b}` : `${b}\0${a}`
    let shared = this.sharedBy.get(pair)
    if (shared === undefined) {
      shared = this.ownerSlots(a).filter((slot) => this.isOwner(slot, b))
      this.sharedBy.set(pair, shared)
    }
    return shared
  }
}

function intern(
  shared: Map<string, readonly NodeId[]>,
  indices: Uint16Array,
  members: readonly NodeId[],
): readonly NodeId[] {
  const name = indices.join()
  let ids = shared.get(name)
  if (ids === undefined) {
    ids = Array.from(indices, (i) => members[i] as NodeId)
    shared.set(name, ids)
  }
  return ids
}

function check(members: readonly RingMember[], n: number): void {
  if (!Number.isInteger(n) || n < 1)
    throw new KvError('usage', `n is ${n}`, 'n is the number of owners of a key')
  if (members.length > MAX_MEMBERS)
    throw new KvError('usage', `${members.length} nodes are too many for a ring`)
  const seen = new Set<NodeId>()
  for (const { id, weight } of members) {
    if (seen.has(id))
      throw new KvError('usage', `the node ${id} is listed twice`, 'every node has an id of its own')
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY)) {
      throw new KvError('usage', `the weight of ${id} is ${weight}`, 'a weight is above 0; 1 is normal')
    }
    seen.add(id)
  }
}
