import { KvError } from '../../shared/errors.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { NodeId } from '../ports/network.ts'
import { balanceFirst } from './first-owner.ts'
import { Placement } from './placement.ts'
import { RingOrder } from './ring-order.ts'
import { Succession } from './succession.ts'

export interface RingMember {
  readonly id: NodeId
  readonly zone: string
  /** Relative share of the slots; 1 is normal. */
  readonly weight: number
}

const MAX_MEMBERS = 0xffff

/**
 * Who owns which slot: a pure function of the members, their zones and weights, n, and the members that were removed.
 * All of it is worked out when the layout changes, so that a request only looks up arrays that are there.
 */
export class SlotTable {
  /** Owners of every slot: what was asked for, or all the members where there are fewer. */
  readonly n: number
  /** In id order. */
  readonly members: readonly NodeId[]
  /** Every list of owners that there is, and how many slots it has. */
  readonly shares: ReadonlyMap<readonly NodeId[], number>
  private readonly ring: RingOrder
  /** On the circle: the members and the former ones. */
  private readonly nodes: number
  private readonly ownersOf: readonly (readonly NodeId[])[]
  private readonly slotsOf: ReadonlyMap<NodeId, readonly number[]>
  private readonly preferences: (readonly NodeId[])[] = []
  private readonly sharedBy = new Map<string, readonly number[]>()

  /**
   * @param members in any order.
   * @param former those that were members once, in the order of their removal. Nothing changed hands then but the slots
   * of the one removed: so what follows from all of them together still holds wherever none of these was an owner.
   * @throws KvError `usage` for a node twice, a weight that is not above 0, n under 1, or, with former members, n above
   * the number of members.
   */
  static build(members: readonly RingMember[], n: number, former: readonly RingMember[] = []): SlotTable {
    const all = [...members, ...former].sort((a, b) => (a.id < b.id ? -1 : 1))
    check(all, n)
    if (former.length > 0 && n > members.length)
      throw new KvError(
        'usage',
        `n is ${n}, but after removals there are ${members.length} nodes left`,
        'a ring keeps at least n nodes',
      )
    return new SlotTable(
      all,
      Math.min(n, members.length),
      former.map(({ id }) => id),
    )
  }

  private constructor(all: readonly RingMember[], n: number, former: readonly NodeId[]) {
    this.n = n
    const ids = all.map(({ id }) => id)
    this.members = ids.filter((id) => !former.includes(id))
    this.ring = new RingOrder(all)
    this.nodes = all.length
    const index = new Map(ids.map((id, i) => [id, i]))
    const order = (slot: number, count: number): number[] =>
      this.ring.from(slot, count).map((id) => index.get(id) as number)
    const settings = { n, slots: SLOTS, order }
    const { owners } = new Placement(all, settings)
    if (former.length > 0) {
      const succession = new Succession(all, owners, settings)
      for (const id of former) succession.leave(index.get(id) as number)
      balanceFirst(owners, succession.shares(), n)
    }
    const shared = new Map<string, readonly NodeId[]>()
    const shares = new Map<readonly NodeId[], number>()
    const slotsOf = new Map(this.members.map((id): [NodeId, number[]] => [id, []]))
    this.ownersOf = Array.from({ length: SLOTS }, (_, slot) => {
      const indices = owners.subarray(slot * n, (slot + 1) * n)
      const named = intern(shared, indices, ids)
      for (const id of named) slotsOf.get(id)?.push(slot)
      shares.set(named, (shares.get(named) ?? 0) + 1)
      return named
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
      const others = this.ring
        .from(slot, this.nodes)
        .filter((id) => !owners.includes(id) && this.slotsOf.has(id))
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

  /** The slots that the node owns and did not own in the other table, rising. */
  gained(before: SlotTable, id: NodeId): readonly number[] {
    return this.ownerSlots(id).filter((slot) => !before.isOwner(slot, id))
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
