import { expect } from 'chai'
import { Lanes } from '../../../../cli/import/lanes.ts'
import type { LayoutResult } from '../../../../shared/api.ts'
import { keyFromText } from '../../../../shared/key.ts'
import { slotOf } from '../../../../shared/slot.ts'

describe('the lanes of an import', () => {
  const width = 2
  const owners = Buffer.alloc(16_384 * width * 2)
  for (let slot = 0; slot < 16_384; slot++) {
    owners.writeUInt16BE(slot % 3, slot * width * 2)
    owners.writeUInt16BE((slot + 1) % 3, (slot * width + 1) * 2)
  }
  const members = ['http://a', 'http://b', 'http://c'].map((http) => ({
    id: http,
    zone: '',
    weight: 1,
    http,
  }))
  const layout = { members, owners: owners.toString('base64'), width } as LayoutResult

  it('lead to the first owner that answers, then to any, and back after a pause', () => {
    let nowMs = 0
    const lanes = new Lanes(['http://a/', 'http://z'], layout, () => nowMs)
    const key = keyFromText('k')
    const first = slotOf(key) % 3
    expect(lanes.count).to.equal(4)
    expect(lanes.route(key)).to.equal(first)
    lanes.failed(first)
    expect(lanes.route(key)).to.equal((first + 1) % 3)
    lanes.failed((first + 1) % 3)
    lanes.failed((first + 2) % 3)
    expect(lanes.route(key)).to.equal(3)
    nowMs += 1_000
    expect(lanes.route(key)).to.equal(first)
  })

  it('take turns where no layout is known', () => {
    const lanes = new Lanes(['http://a', 'http://b'], undefined, () => 0)
    const routes = [1, 2, 3, 4].map(() => lanes.route(keyFromText('k')))
    expect(new Set(routes)).to.deep.equal(new Set([0, 1]))
  })
})
