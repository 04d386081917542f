import { expect } from 'chai'
import { Completeness, completeOp } from '../../../server/membership/completeness.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import type { Storage, StorageOp } from '../../../server/ports/storage.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import { SLOTS } from '../../../shared/slot.ts'
import { silentTrace } from '../silent-trace.ts'

const members = ['n1', 'n2', 'n3', 'n4'].map((id) => ({ id, zone: 'z', weight: 1 }))
const shared = SlotTable.build(members, 3)
const layout = { ringId: 'ring', version: 1, former: [] as Layout['former'] } as Layout

describe('Completeness', () => {
  let disk: Map<string, Buffer>

  function open(incarnation = 'first', table = shared): Completeness {
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
    const ring = { layouts: { slots: () => table, slotsAt: () => table }, onLayout }
    const completeness = new Completeness(
      { storage, trace: silentTrace, ring, onGained: () => undefined },
      { id: 'n1', incarnation },
    )
    announce(layout)
    return completeness
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
    const founded = (ringId: string, incarnation: string) => {
      const op = completeOp(ringId, incarnation) as StorageOp & { type: 'put' }
      disk.set(op.key.toString(), op.value)
    }
    founded('ring', 'first')
    expect(open('first').everywhere).to.equal(true)
    expect(open('copy').everywhere).to.equal(false)
    founded('another', 'first')
    expect(open('first').everywhere).to.equal(false)
  })
})
