import { expect } from 'chai'
import type { MemberView } from '../../../server/membership/member-view.ts'
import { ringStatus } from '../../../server/membership/ring-status.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'

const IDS = ['n1', 'n2', 'n3']
const table = SlotTable.build(
  IDS.map((id) => ({ id, zone: 'z', weight: 1 })),
  3,
)
const quorums = { n: 3, r: 2, w: 2, version: 1 } as Parameters<typeof ringStatus>[1]
const status = (change: (id: string) => Partial<MemberView>) =>
  ringStatus(
    'c',
    quorums,
    table,
    IDS.map(
      (id) =>
        ({ id, state: 'up', hintsHeld: 0, divergentSlots: 0, unfilledSlots: 0, ...change(id) }) as MemberView,
    ),
  )

describe('ringStatus', () => {
  it('is ok where everyone is up and nothing is known to be wrong', () => {
    expect(status(() => ({}))).to.include({ health: 'ok', reason: '', slotsBelowN: 0 })
  })

  it('is degraded while a node knows that copies differ, and says which', () => {
    const seen = status((id) => (id === 'n2' ? { divergentSlots: 5 } : {}))
    expect(seen).to.include({
      health: 'degraded',
      reason: 'n2 is mending 5 slots that differ from its peers',
    })
    expect(seen.nodes.map(({ divergentSlots }) => divergentSlots)).to.deep.equal([0, 5, 0])
    expect(status(() => ({ divergentSlots: 5, hintsHeld: 1 })).reason).to.equal(
      '3 hints wait on n1, n2, n3; n1, n2, n3 are mending 15 slots that differ from their peers',
    )
  })

  it('is degraded while owners have to be given slots, and says which', () => {
    const slots = new Map([
      ['n1', 1],
      ['n3', 3277],
    ])
    const seen = status((id) => ({ unfilledSlots: slots.get(id) ?? 0 }))
    expect(seen).to.include({
      health: 'degraded',
      reason: '3278 slots are being filled on n1, n3, and count in no read there before',
      slotsBelowN: 0,
    })
    expect(seen.nodes.map(({ unfilledSlots }) => unfilledSlots)).to.deep.equal([1, 0, 3277])
    expect(status((id) => (id === 'n2' ? { unfilledSlots: 1 } : {})).reason).to.equal(
      '1 slot is being filled on n2, and counts in no read there before',
    )
  })

  it('is critical where owners are missing, whatever else there is', () => {
    const seen = status((id) => (id === 'n1' ? { divergentSlots: 5 } : { state: 'down' }))
    expect(seen.health).to.equal('critical')
    expect(seen.reason).to.match(/^n2 is down, n3 is down; .*n1 is mending 5 slots/)
  })
})
