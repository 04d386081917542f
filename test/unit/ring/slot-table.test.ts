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

/** What the nodes own beside their fair share, which is `n` of the slots by weight. */
function overloads(members: readonly RingMember[], n: number): number[] {
  const table = SlotTable.build(members, n)
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  return members.map(({ id, weight }) => table.ownership(id) / ((n * weight) / total))
}

function movedFraction(before: SlotTable, after: SlotTable): number {
  let moved = 0
  for (let slot = 0; slot < SLOTS; slot++) {
    for (const owner of after.owners(slot)) if (!before.isOwner(slot, owner)) moved++
  }
  return moved / (SLOTS * after.n)
}

function firstOf(table: SlotTable): Map<string, number> {
  const first = new Map<string, number>()
  for (let slot = 0; slot < SLOTS; slot++) {
    const id = table.owners(slot)[0] as string
    first.set(id, (first.get(id) ?? 0) + 1)
  }
  return first
}

describe('SlotTable', () => {
  it('gives every slot n distinct owners, and every node in its preference list, owners first', () => {
    const table = SlotTable.build(nodes(7), 3)
    const everyone = nodes(7).map(({ id }) => id)
    for (let slot = 0; slot < SLOTS; slot += 13) {
      const owners = table.owners(slot)
      expect(new Set(owners).size).to.equal(3)
      expect(table.preference(slot).slice(0, 3)).to.deep.equal(owners)
      expect([...table.preference(slot)].sort()).to.deep.equal(everyone)
      for (const id of everyone) expect(table.isOwner(slot, id)).to.equal(owners.includes(id))
    }
  })

  it('hands out the same arrays at every call', () => {
    const table = SlotTable.build(nodes(5), 3)
    expect(table.owners(77)).to.equal(table.owners(77))
    expect(table.preference(77)).to.equal(table.preference(77))
  })

  it('lists the slots of each node, which add up to its ownership', () => {
    const table = SlotTable.build(nodes(5), 3)
    let total = 0
    for (const { id } of nodes(5)) {
      const slots = table.ownerSlots(id)
      expect(table.ownership(id)).to.equal(slots.length / SLOTS)
      for (const slot of slots.slice(0, 200)) expect(table.isOwner(slot, id)).to.equal(true)
      total += slots.length
    }
    expect(total).to.equal(3 * SLOTS)
    expect(table.ownership('stranger')).to.equal(0)
    expect(table.ownerSlots('stranger')).to.deep.equal([])
  })

  it('makes all the members owners where there are no more than n', () => {
    for (const count of [0, 1, 2, 3]) {
      const table = SlotTable.build(nodes(count), 3)
      expect(table.n).to.equal(count)
      for (let slot = 0; slot < SLOTS; slot += 97) expect(table.owners(slot)).to.have.length(count)
      for (const { id } of nodes(count)) expect(table.ownership(id)).to.equal(1)
    }
  })

  it('does not depend on the order in which members are named', () => {
    const table = SlotTable.build(nodes(9, 3), 3)
    const other = SlotTable.build([...nodes(9, 3)].reverse(), 3)
    expect(other.members).to.deep.equal(table.members)
    for (let slot = 0; slot < SLOTS; slot += 7) {
      expect(other.preference(slot)).to.deep.equal(table.preference(slot))
    }
  })

  it('places slots where it placed them before: data on disks depends on it', () => {
    const table = SlotTable.build(nodes(5), 3)
    expect([0, 1, 2, 8_191, 16_383].map((slot) => table.preference(slot).join())).to.deep.equal([
      'n1,n5,n3,n4,n2',
      'n3,n1,n4,n2,n5',
      'n2,n4,n5,n1,n3',
      'n1,n5,n2,n4,n3',
      'n4,n3,n2,n5,n1',
    ])
  })

  for (const count of [5, 10, 50, 200]) {
    it(`keeps ownership and first ownership even among ${count} nodes`, () => {
      const table = SlotTable.build(nodes(count), 3)
      expect(Math.max(...overloads(nodes(count), 3))).to.be.at.most(MAX_OVERLOAD)
      expect(Math.max(...firstOf(table).values()) * count).to.be.at.most(SLOTS * 1.15)
    })
  }

  it('keeps ownership even by weight', () => {
    expect(
      Math.max(
        ...overloads(
          nodes(10, 1, (i) => 1 + (i % 2)),
          3,
        ),
      ),
    ).to.be.at.most(MAX_OVERLOAD)
    expect(
      Math.max(
        ...overloads(
          nodes(20, 1, (i) => 0.5 + i / 10),
          3,
        ),
      ),
    ).to.be.at.most(MAX_OVERLOAD)
  })

  it('puts the owners of a slot in different zones, and keeps them even', () => {
    for (const [count, zones] of [
      [6, 3],
      [9, 3],
      [12, 4],
      [10, 5],
    ] as const) {
      const table = SlotTable.build(nodes(count, zones), 3)
      for (let slot = 0; slot < SLOTS; slot += 5) {
        expect(new Set(table.owners(slot).map((id) => Number(id.slice(1)) % zones)).size).to.equal(3)
      }
      expect(Math.max(...overloads(nodes(count, zones), 3))).to.be.at.most(MAX_OVERLOAD)
    }
  })

  it('uses every zone where there are fewer than n', () => {
    const table = SlotTable.build(nodes(6, 2), 3)
    for (let slot = 0; slot < SLOTS; slot += 5) {
      expect(new Set(table.owners(slot).map((id) => Number(id.slice(1)) % 2)).size).to.equal(2)
    }
    expect(Math.max(...overloads(nodes(6, 2), 3))).to.be.at.most(MAX_OVERLOAD)
  })

  it('keeps to the fair shares where zones and weights are uneven', () => {
    for (const [n, zones, weights] of [
      [3, 'a c c a a a', '1 1 1 1 1 1'],
      [2, 'a a c a d b a', '1 1 1 1 1 1 1'],
      [4, 'd a b d a b d', '1 1 1 4 2 4 3'],
      [4, 'b c c c c b c b', '7 3.4 5 9.7 8.8 0.5 0.9 0.4'],
      [3, 'a a a a a', '1 0.1 9.7 3.4 4.2'],
    ] as const) {
      const weight = weights.split(' ').map(Number)
      const members = zones.split(' ').map((zone, i) => ({ id: `n${i}`, zone, weight: weight[i] as number }))
      const table = SlotTable.build(members, n)
      fairShares(members, n, SLOTS).forEach((share, i) => {
        const most = Math.max(Math.ceil(share), share * MAX_OVERLOAD)
        expect(table.ownerSlots(`n${i}`).length, `${zones}: n${i}`).to.be.at.most(most)
      })
      const apart = Math.min(n, new Set(members.map(({ zone }) => zone)).size)
      for (let slot = 0; slot < SLOTS; slot += 3) {
        const used = new Set(table.owners(slot).map((id) => members[Number(id.slice(1))]?.zone))
        if (used.size !== apart) expect.fail(`slot ${slot} is in ${used.size} of ${apart} zones`)
      }
    }
  })

  it('moves little more than a newcomer must get', () => {
    for (const count of [4, 5, 10, 50]) {
      const moved = movedFraction(SlotTable.build(nodes(count), 3), SlotTable.build(nodes(count + 1), 3))
      expect(moved * (count + 1), `${count} to ${count + 1}`).to.be.within(0.9, 1.12)
    }
  })

  it('holds for any members, zones and weights', () => {
    const member = fc.record({
      id: fc.oneof(
        fc.string({ minLength: 1 }),
        fc.constantFrom('__proto__', 'constructor', '1', 'a:1', '-0'),
      ),
      zone: fc.constantFrom('', 'a', 'b', 'c', '__proto__'),
      weight: fc.oneof(fc.constant(1), fc.double({ min: 0.01, max: 100, noNaN: true }), fc.constant(1e-300)),
    })
    const members = fc.uniqueArray(member, { maxLength: 8, selector: ({ id }) => id })
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 5 }), (all, n) => {
        const table = SlotTable.build(all, n)
        const owners = Math.min(n, all.length)
        const zoneOf = new Map(all.map(({ id, zone }) => [id, zone]))
        const zones = Math.min(owners, new Set(zoneOf.values()).size)
        for (let slot = 0; slot < SLOTS; slot += 61) {
          const chosen = table.owners(slot)
          expect(new Set(chosen).size).to.equal(owners)
          expect(new Set(chosen.map((id) => zoneOf.get(id))).size).to.equal(zones)
          expect(new Set(table.preference(slot)).size).to.equal(all.length)
        }
      }),
      { numRuns: 10 },
    )
  })

  it('refuses what makes no sense', () => {
    const refused = (members: RingMember[], n: number): void => {
      expect(() => SlotTable.build(members, n))
        .to.throw(KvError)
        .with.property('code', 'usage')
    }
    refused(nodes(3), 0)
    refused(nodes(3), 1.5)
    refused([...nodes(3), ...nodes(1)], 3)
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      refused(
        nodes(3, 1, () => weight),
        3,
      )
  })
})
