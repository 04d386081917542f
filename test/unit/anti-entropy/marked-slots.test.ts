import { expect } from 'chai'
import { MarkedSlots } from '../../../server/anti-entropy/marked-slots.ts'
import type { RepairMark } from '../../../server/handoff/repair-marks.ts'
import type { SlotTable } from '../../../server/ring/slot-table.ts'

function setUp() {
  let marked: RepairMark[] = [
    { slot: 1, serial: 1 },
    { slot: 2, serial: 2 },
    { slot: 3, serial: 3 },
  ]
  const marks = {
    mark: (slot: number) => void marked.push({ slot, serial: 10 + slot }),
    marked: () => [...marked],
    clear: (mark: RepairMark) => {
      marked = marked.filter(({ serial }) => serial !== mark.serial)
    },
  }
  const table = { isOwner: (slot: number) => slot !== 3 } as unknown as SlotTable
  const slots = new MarkedSlots({ marks, slots: () => table }, { id: 'a' })
  return { marks, slots, left: () => marked.map(({ slot }) => slot) }
}

describe('MarkedSlots', () => {
  it('clears, after a round, the marks of own slots that no longer differ', () => {
    const { slots, left } = setUp()
    slots.roundBegins()
    slots.roundEnds((slot) => slot === 2)
    expect(left()).to.deep.equal([2, 3])
  })

  it('leaves what was marked during the round to the next one', () => {
    const { marks, slots, left } = setUp()
    slots.roundBegins()
    marks.mark(1)
    slots.roundEnds(() => false)
    expect(left()).to.deep.equal([3, 1])
    slots.roundBegins()
    slots.roundEnds(() => false)
    expect(left()).to.deep.equal([3])
  })
})
