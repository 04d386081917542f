import { expect } from 'chai'
import fc from 'fast-check'
import { fairShares, MAX_OVERLOAD } from '../../../server/ring/shares.ts'
import { type RingMember, SlotTable } from '../../../server/ring/slot-table.ts'
import { KvError } from '../../../shared/errors.ts'
import { SLOTS } from '../../../shared/slot.ts'

function nodes(count: number, zones = 1, weight: (i: number) => number = () => 1): RingMember[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `n${i + 1}`,
    zone: `z${i % zones}`,
    weight: weight(i),
  }))
}

/** The ring of `all` once those have been removed. */
function without(all: readonly RingMember[], former: readonly RingMember[], n: number): SlotTable {
  return SlotTable.build(
    all.filter((member) => !former.includes(member)),
    n,
    former,
  )
}

/** Slots of which the owners changed otherwise than that one other came for the one who left. */
function wronglyChanged(before: SlotTable, after: SlotTable, leaving: string): number[] {
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => {
    const stayed = before.owners(slot).filter((id) => id !== leaving)
    const came = after.owners(slot).filter((id) => !before.isOwner(slot, id))
    return (
      after.isOwner(slot, leaving) ||
      !stayed.every((id) => after.isOwner(slot, id)) ||
      came.length !== (before.isOwner(slot, leaving) ? 1 : 0)
    )
  })
}

/** Slots that have not n different members as owners, or those in fewer zones than there could be. */
function wronglyOwned(table: SlotTable, members: readonly RingMember[], n: number): number[] {
  const zoneOf = new Map(members.map(({ id, zone }) => [id, zone]))
  const zones = Math.min(n, new Set(zoneOf.values()).size)
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => {
    const owners = table.owners(slot)
    return (
      owners.length !== n ||
      new Set(owners).size !== n ||
      !owners.every((id) => zoneOf.has(id)) ||
      new Set(owners.map((id) => zoneOf.get(id))).size !== zones
    )
  })
}

function places(table: SlotTable): string {
  return Array.from({ length: SLOTS / 8 }, (_, i) => table.preference(i * 8).join()).join('\n')
}

/** The most that a member owns, and is first owner of, beside its fair share. */
function overload(table: SlotTable, members: readonly RingMember[], n: number): [number, number] {
  const first = new Map<string, number>()
  for (let slot = 0; slot < SLOTS; slot++) {
    const id = table.owners(slot)[0] as string
    first.set(id, (first.get(id) ?? 0) + 1)
  }
  const shares = fairShares(members, n, SLOTS)
  const most = (count: (id: string) => number) =>
    Math.max(...members.map(({ id }, i) => count(id) / (shares[i] as number)))
  return [most((id) => table.ownerSlots(id).length), most((id) => (first.get(id) ?? 0) * n)]
}

describe('Succession', () => {
  it('gives each slot of a removed member one owner in its place, and changes no other slot', () => {
    const member = fc.record({
      id: fc.oneof(fc.string({ minLength: 1, maxLength: 5 }), fc.constantFrom('__proto__', '1', 'a:1')),
      zone: fc.constantFrom('', 'a', 'b', 'c', 'd'),
      weight: fc.oneof(fc.constant(1), fc.double({ min: 0.05, max: 10, noNaN: true }), fc.constant(1e-300)),
    })
    const rings = fc
      .tuple(
        fc.uniqueArray(member, { minLength: 3, maxLength: 12, selector: ({ id }) => id }),
        fc.integer({ min: 1, max: 3 }),
      )
      .chain(([all, n]) =>
        fc.record({
          all: fc.constant(all),
          n: fc.constant(n),
          leaving: fc.shuffledSubarray(all, { maxLength: Math.min(all.length - n, 3) }),
        }),
      )
    fc.assert(
      fc.property(rings, ({ all, n, leaving }) => {
        let before = SlotTable.build(all, n)
        leaving.forEach(({ id }, step) => {
          const former = leaving.slice(0, step + 1)
          const members = all.filter((one) => !former.includes(one))
          const after = SlotTable.build(members, n, former)
          expect(after.members).to.deep.equal(before.members.filter((one) => one !== id))
          expect(wronglyChanged(before, after, id)).to.deep.equal([])
          expect(wronglyOwned(after, members, n)).to.deep.equal([])
          before = after
        })
        const members = all.filter((one) => !leaving.includes(one))
        const reversed = SlotTable.build([...members].reverse(), n, leaving)
        expect(places(reversed) === places(before)).to.equal(true)
      }),
      // A run takes most of a second: to look for a smaller example would take minutes.
      { numRuns: 6, endOnFailure: true },
    )
  })

  it('names the members only, and all of them, wherever it names nodes', () => {
    const all = nodes(7, 2)
    const table = without(all, [all[3], all[0]] as RingMember[], 3)
    const left = ['n2', 'n3', 'n5', 'n6', 'n7']
    expect(table.members).to.deep.equal(left)
    expect(new Set([...table.shares.keys()].flat())).to.deep.equal(new Set(left))
    expect([...table.shares.values()].reduce((sum, slots) => sum + slots, 0)).to.equal(SLOTS)
    for (let slot = 0; slot < SLOTS; slot += 11) {
      expect([...table.preference(slot)].sort()).to.deep.equal(left)
      expect(table.preference(slot).slice(0, 3)).to.deep.equal(table.owners(slot))
      for (const id of table.owners(slot)) expect(table.ownerSlots(id)).to.include(slot)
    }
    for (const id of ['n1', 'n4']) {
      expect(table.ownerSlots(id)).to.deep.equal([])
      expect(table.ownership(id)).to.equal(0)
    }
  })

  it('says which slots a member has gained: together, those of the one that left', () => {
    const all = nodes(6)
    const before = SlotTable.build(all, 3)
    const after = without(all, all.slice(1, 2), 3)
    const gained = after.members.flatMap((id) => {
      const slots = after.gained(before, id)
      expect([...slots]).to.deep.equal([...slots].sort((a, b) => a - b))
      expect(slots.every((slot) => after.isOwner(slot, id) && !before.isOwner(slot, id))).to.equal(true)
      return slots
    })
    expect(gained.sort((a, b) => a - b)).to.deep.equal(before.ownerSlots('n2'))
    expect(after.gained(before, 'n2')).to.deep.equal([])
    expect(after.gained(after, 'n1')).to.deep.equal([])
  })

  it('goes by the order of the removals', () => {
    const all = nodes(6)
    const [a, b] = all as [RingMember, RingMember]
    expect(places(without(all, [a, b], 3)) === places(without(all, [b, a], 3))).to.equal(false)
  })

  it('prefers the nearest that have room', () => {
    const all = nodes(50)
    const before = SlotTable.build(all, 3)
    const after = without(all, all.slice(0, 1), 3)
    const slots = before.ownerSlots('n1')
    const nearest = slots.filter((slot) => after.isOwner(slot, before.preference(slot)[3] as string))
    expect(nearest.length / slots.length).to.be.above(0.5)
  })

  it('places slots where it placed them before: data on disks depends on it', () => {
    const all = nodes(6, 3)
    const table = without(all, [all[4], all[0]] as RingMember[], 3)
    expect([0, 1, 2, 8_191, 16_383].map((slot) => table.preference(slot).join())).to.deep.equal([
      'n4,n6,n2,n3',
      'n3,n4,n2,n6',
      'n2,n4,n6,n3',
      'n4,n2,n6,n3',
      'n6,n2,n4,n3',
    ])
  })

  for (const [count, leaving, zones] of [
    [5, 1, 1],
    [10, 3, 1],
    [50, 5, 1],
    [6, 1, 2],
    [7, 2, 2],
    [9, 3, 3],
    [10, 4, 5],
  ] as const) {
    it(`keeps ownership even when ${leaving} of ${count} nodes in ${zones} zones leave`, () => {
      const all = nodes(count, zones)
      const table = without(all, all.slice(0, leaving), 3)
      const [owned, first] = overload(table, all.slice(leaving), 3)
      expect(owned).to.be.at.most(MAX_OVERLOAD)
      expect(first).to.be.at.most(1.06)
    })
  }

  it('keeps ownership even by weight', () => {
    const all = nodes(20, 3, (i) => 0.5 + i / 10)
    const table = without(all, all.slice(2, 7), 3)
    const members = all.filter((_, i) => i < 2 || i >= 7)
    expect(overload(table, members, 3)[0]).to.be.at.most(MAX_OVERLOAD)
  })

  it('refuses what makes no sense', () => {
    const all = nodes(5)
    const [one, two] = all as [RingMember, RingMember]
    const refused = (members: readonly RingMember[], n: number, former: readonly RingMember[]): void => {
      expect(() => SlotTable.build(members, n, former))
        .to.throw(KvError)
        .with.property('code', 'usage')
    }
    refused(all, 3, [one])
    refused(all.slice(2), 3, [one, one])
    refused(all.slice(2), 4, [one, two])
    refused([], 1, [one])
    refused(all.slice(1), 3, [{ ...one, weight: 0 }])
    expect(SlotTable.build(all.slice(2), 3, [one, two]).ownership('n3')).to.equal(1)
  })
})
