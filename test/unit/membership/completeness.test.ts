import { expect } from 'chai'
import { Completeness, completeOp } from '../../../server/membership/completeness.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import type { Storage, StorageOp } from '../../../server/ports/storage.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import { SLOTS } from '../../../shared/slot.ts'
import { silentTrace } from '../silent-trace.ts'

const members = ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, zone: 'z', weight: 1 }))
const shared = SlotTable.build(members, 3)
const founding = { ringId: 'ring', version: 1, former: [] as Layout['former'] } as Layout
const [last] = members.slice(-1) as [(typeof members)[0]]
const five = [...members, { ...last, id: 'n5' }]
const before = SlotTable.build(five, 3)
const after = SlotTable.build(five.slice(0, 4), 3, five.slice(4))
const removal = { ...founding, version: 4, former: [{ ...last, id: 'n5', removedIn: 4 }] } as Layout

describe('Completeness', () => {
  let disk: Map<string, Buffer>

  function open(incarnation = 'first', table = shared, layout = founding): Completeness {
    return member(incarnation, table, layout).completeness
  }

  /** n1, and how it hears of a change of owners. */
  function member(incarnation: string, first: SlotTable, layout: Layout) {
    let table = first
    const gained: number[] = []
    let announce: (layout: Layout) => void = () => undefined
    const storage = {
      get: (key: Buffer) => disk.get(key.toString()),
      commit: (batch: readonly StorageOp[]) => {
        for (const op of batch) if (op.type === 'put') disk.set(op.key.toString(), op.value)
        return Promise.resolve()
      },
    } as unknown as Storage
    const onLayout = (fn: (layout: Layout) => void) => {
      announce = fn
    }
    const ring = {
      layouts: { slots: () => table, slotsAt: (version: number) => (version < 4 ? before : table) },
      onLayout,
    }
    const completeness = new Completeness(
      { storage, trace: silentTrace, ring, onGained: (slots) => gained.push(...slots) },
      { id: 'n1', incarnation },
    )
    announce(layout)
    const move = (to: SlotTable, next: Layout) => {
      table = to
      announce(next)
    }
    return { completeness, gained, move }
  }

  const founded = (ringId: string, incarnation: string) => {
    const op = completeOp(ringId, incarnation) as StorageOp & { type: 'put' }
    disk.set(op.key.toString(), op.value)
  }

  const slotOwnedBy = (...owners: string[]) => {
    for (let slot = 0; slot < SLOTS; slot++) {
      if (owners.every((id) => shared.owners(slot).includes(id))) return slot
    }
    throw new Error('no slot')
  }

  beforeEach(() => {
    disk = new Map()
  })

  it('has an empty disk lack everyone, slot by slot, and remembers when it has all', async () => {
    const completeness = open()
    expect(completeness.lacking()).to.deep.equal(['n2', 'n3', 'n4'])
    const [slot, foreign] = [slotOwnedBy('n1', 'n2', 'n3'), slotOwnedBy('n2', 'n3', 'n4')]
    expect([completeness.of(slot), completeness.of(foreign)]).to.deep.equal([false, true])
    completeness.comparedWith('n2', 0)
    expect(completeness.of(slot)).to.equal(false)
    completeness.comparedWith('n3', 0)
    expect([completeness.of(slot), completeness.everywhere]).to.deep.equal([true, false])
    expect(completeness.of(slotOwnedBy('n1', 'n2', 'n4'))).to.equal(false)
    completeness.comparedWith('n4', 0)
    await Promise.resolve()
    expect(completeness.everywhere).to.equal(true)
    expect(open().everywhere).to.equal(true)
  })

  it('has nobody to ask where nobody else has copies', async () => {
    const alone = open('copy', SlotTable.build(members, 1))
    await Promise.resolve()
    expect([alone.lacking(), alone.everywhere]).to.deep.equal([[], true])
  })

  it('is doubted, durably, until it has been compared with everyone once more', async () => {
    const op = completeOp('ring', 'first') as StorageOp & { type: 'put' }
    disk.set(op.key.toString(), op.value)
    const completeness = open()
    expect(completeness.everywhere).to.equal(true)
    expect(completeness.doubt()).to.deep.equal({ type: 'del', key: op.key })
    expect([completeness.everywhere, completeness.lacking().length]).to.deep.equal([false, 3])
    for (const peer of ['n2', 'n3', 'n4']) completeness.comparedWith(peer, 0)
    expect(completeness.lacking().length, 'they began before').to.equal(3)
    for (const peer of ['n2', 'n3', 'n4']) completeness.comparedWith(peer, completeness.doubts)
    await Promise.resolve()
    expect(completeness.everywhere).to.equal(true)
  })

  it('begins anew where it was stopped in between', () => {
    open().comparedWith('n2', 0)
    expect(open().lacking()).to.deep.equal(['n2', 'n3', 'n4'])
  })

  it('is there from the founding on, but not for a copy of the disk, nor in another ring', () => {
    founded('ring', 'first')
    expect(open('first').everywhere).to.equal(true)
    expect(open('copy').everywhere).to.equal(false)
    founded('another', 'first')
    expect(open('first').everywhere).to.equal(false)
  })

  it('has to be given the slots of a node that was removed, and those only, by all their other owners', async () => {
    founded('ring', 'first')
    const { completeness, gained, move } = member('first', before, founding)
    expect([completeness.everywhere, gained]).to.deep.equal([true, []])
    move(after, removal)
    expect(gained).to.deep.equal(after.gained(before, 'n1'))
    expect(gained).not.to.deep.equal([])
    expect([completeness.everywhere, completeness.unfilled]).to.deep.equal([false, gained.length])
    for (let slot = 0; slot < SLOTS; slot++)
      expect(completeness.of(slot), `slot ${slot}`).to.equal(!gained.includes(slot))
    const sources = new Set(gained.flatMap((slot) => after.owners(slot)).filter((id) => id !== 'n1'))
    expect(completeness.lacking()).to.have.members([...sources])
    for (const peer of sources) completeness.comparedWith(peer, 0)
    expect(completeness.unfilled, 'those comparisons began before').to.equal(gained.length)
    for (const peer of sources) completeness.comparedWith(peer, completeness.doubts)
    await Promise.resolve()
    expect([completeness.everywhere, completeness.unfilled]).to.deep.equal([true, 0])
    expect(open('first', after, removal).everywhere, 'and remembers that').to.equal(true)
  })

  it('knows after a restart what it has to be given', () => {
    founded('ring', 'first')
    const { completeness, gained } = member('first', after, removal)
    expect(gained).to.deep.equal(after.gained(before, 'n1'))
    expect(completeness.unfilled).to.equal(gained.length)
  })

  it('has to be given everything still where it lacked everything before', () => {
    const { completeness, move } = member('first', before, founding)
    move(after, removal)
    expect(completeness.unfilled).to.equal(after.ownerSlots('n1').length)
  })

  it('can be read as long as enough of the others are within reach', () => {
    const reach = new Set(['n2', 'n3', 'n4'])
    const completeness = open()
    const readable = (r: number) => completeness.readable(r, (id) => reach.has(id))
    expect(readable(2)).to.equal(true)
    reach.delete('n4')
    expect([readable(1), readable(2)]).to.deep.equal([true, false])
    founded('ring', 'first')
    expect(open().readable(2, () => false)).to.equal(true)
  })
})
