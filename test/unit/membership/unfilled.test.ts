import { expect } from 'chai'
import { unfilledOf } from '../../../server/membership/unfilled.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'

const members = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => ({ id, zone: 'z', weight: 1 }))
const table = SlotTable.build(members, 3)
const due = table.ownerSlots('n1')

function others(slot: number): string[] {
  return table.owners(slot).filter((id) => id !== 'n1')
}

describe('what a node has to be given', () => {
  for (const compared of [[], ['n2'], ['n3', 'n5'], ['n2', 'n3', 'n4'], ['n2', 'n3', 'n4', 'n5']])
    it(`is what it has not compared yet: ${compared.join() || 'with nobody'} done`, () => {
      const unfilled = unfilledOf(table, due, 'n1', new Set(compared))
      const left = due.filter((slot) => others(slot).some((id) => !compared.includes(id)))
      expect(unfilled.slots).to.equal(left.length)
      expect(unfilled.lacking).to.deep.equal(['n2', 'n3', 'n4', 'n5'].filter((id) => !compared.includes(id)))
      const groups = new Set(left.map((slot) => others(slot).join()))
      expect(new Set(unfilled.groups.map((group) => group.join()))).to.deep.equal(groups)
    })

  it('is nothing of slots that others own', () => {
    const foreign = Array.from({ length: 4096 }, (_, slot) => slot).filter((slot) => !due.includes(slot))
    expect(unfilledOf(table, foreign, 'n1', new Set())).to.deep.equal({ slots: 0, lacking: [], groups: [] })
  })
})
