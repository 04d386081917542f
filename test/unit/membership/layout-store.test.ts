import { expect } from 'chai'
import type { Layout } from '../../../server/membership/layout.ts'
import { LayoutStore } from '../../../server/membership/layout-store.ts'
import type { Storage } from '../../../server/ports/storage.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { diskStorage } from '../replica/disk-storage.ts'
import { silentTrace } from '../silent-trace.ts'

const MEMBERS = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => ({ id, zone: '', weight: 1 }))
const FIRST: Layout = {
  version: 1,
  cluster: 'c',
  ringId: 'r',
  n: 3,
  r: 2,
  w: 2,
  conflicts: 'lww',
  members: MEMBERS,
  former: [],
}

/** `layout` without the member, one number later. */
function without(id: string, layout: Layout): Layout {
  const version = layout.version + 1
  const leaving = { id, zone: '', weight: 1, removedIn: version }
  const members = layout.members.filter((member) => member.id !== id)
  return { ...layout, version, members, former: [...layout.former, leaving] }
}

const place = ({ members, n, former }: Layout) => SlotTable.build(members, n, former)

function storeOn(storage: Storage, id = 'n1'): LayoutStore {
  return new LayoutStore({ storage, trace: silentTrace, place }, { id, cluster: 'c', incarnation: 'i1' })
}

describe('the layout that a node goes by', () => {
  it('names those that were removed, and tells who owned what before', async () => {
    const layouts = storeOn(diskStorage(new MemoryDisk()))
    expect([layouts.placedIn, layouts.slotsAt(1)]).to.deep.equal([0, undefined])
    await layouts.adopt(FIRST)
    expect([layouts.placedIn, layouts.removed('n5')]).to.deep.equal([1, false])
    const second = without('n5', FIRST)
    await layouts.adopt(second)
    await layouts.adopt({ ...second, version: 3, conflicts: 'siblings' })
    expect([layouts.layout()?.version, layouts.placedIn, layouts.removed('n5')]).to.deep.equal([3, 2, true])
    const owners = (table: SlotTable | undefined) => [0, 1, 2, 3].map((slot) => table?.owners(slot))
    expect(owners(layouts.slotsAt(1))).to.deep.equal(owners(place(FIRST)))
    expect(owners(layouts.slotsAt(2))).to.deep.equal(owners(place(second)))
    await layouts.adopt(without('n4', { ...second, version: 3 }))
    expect(owners(layouts.slotsAt(2))).to.deep.equal(owners(place(second)))
  })

  it('may be one that removes the node itself, which then has no place any more, nor after a restart', async () => {
    const disk = diskStorage(new MemoryDisk())
    const layouts = storeOn(disk, 'n5')
    await layouts.adopt(FIRST)
    expect(layouts.expulsion()).to.equal(undefined)
    expect(await layouts.adopt(without('n5', FIRST))).to.equal(true)
    expect(layouts.slots()).to.equal(undefined)
    expect(layouts.expulsion()).to.include({
      code: 'conflict',
      message: 'n5 was removed from the ring c in layout 2',
    })
    const again = storeOn(disk, 'n5')
    expect(() => again.load()).to.throw('n5 was removed from the ring c in layout 2')
    expect(() => storeOn(disk, 'n1').load()).not.to.throw()
  })

  it('is none of a ring that the node never was in', async () => {
    const layouts = storeOn(diskStorage(new MemoryDisk()), 'n9')
    expect(await layouts.adopt(FIRST)).to.equal(false)
    expect(await storeOn(diskStorage(new MemoryDisk()), 'n5').adopt(without('n5', FIRST))).to.equal(false)
    expect(layouts.layout()).to.equal(undefined)
  })
})
