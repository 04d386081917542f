import { expect } from 'chai'
import {
  decodeLayout,
  encodeLayout,
  isMember,
  type Layout,
  layoutDigest,
  validateLayout,
} from '../../../server/membership/layout.ts'

const layout: Layout = {
  version: 1,
  cluster: 'local',
  ringId: '0123456789abcdef',
  n: 3,
  r: 2,
  w: 2,
  conflicts: 'lww',
  members: [
    { id: 'n1', zone: 'eu', weight: 1 },
    { id: 'n2', zone: '', weight: 2.5 },
  ],
  former: [],
}

describe('layout', () => {
  it('comes back from its bytes as it was', () => {
    expect(decodeLayout(encodeLayout(layout))).to.deep.equal(layout)
    const siblings: Layout = { ...layout, conflicts: 'siblings', version: 2 ** 40 }
    expect(decodeLayout(encodeLayout(siblings))).to.deep.equal(siblings)
  })

  it('has a digest that any change changes', () => {
    const others: Layout[] = [
      { ...layout, version: 2 },
      { ...layout, ringId: 'x' },
      { ...layout, w: 3 },
      { ...layout, conflicts: 'siblings' },
      { ...layout, members: layout.members.slice(0, 1) },
    ]
    const digests = [layout, ...others].map(layoutDigest)
    expect(new Set(digests).size).to.equal(digests.length)
    expect(layoutDigest(decodeLayout(encodeLayout(layout)))).to.equal(digests[0])
  })

  it('refuses bytes that end early, go on, or are of another format', () => {
    const bytes = encodeLayout(layout)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeLayout(bytes.subarray(0, length)), `${length} bytes`).to.throw(RangeError)
    }
    expect(() => decodeLayout(Buffer.concat([bytes, Buffer.of(0)]))).to.throw(RangeError)
    const later = Buffer.from(bytes)
    later[0] = 3
    expect(() => decodeLayout(later)).to.throw('format 3')
  })

  const member = (id: string, weight = 1, zone = '') => ({ id, zone, weight })
  const invalid: [string, Partial<Layout>][] = [
    ['version', { version: 0 }],
    ['ring id', { ringId: '' }],
    ['cluster', { cluster: 'c'.repeat(65) }],
    ['n is 0', { n: 0 }],
    ['r is 4', { r: 4 }],
    ['w is 0', { w: 0 }],
    ['0 members', { members: [] }],
    ['n1 is not in id order', { members: [member('n2'), member('n1')] }],
    ['n1 is not in id order', { members: [member('n1'), member('n1')] }],
    ['id of member 0', { members: [member('')] }],
    ['weight of n1', { members: [member('n1', 0)] }],
    ['weight of n1', { members: [member('n1', Number.NaN)] }],
    ['zone of n1', { members: [member('n1', 1, 'z'.repeat(65))] }],
  ]
  for (const [why, change] of invalid) {
    it(`refuses ${JSON.stringify(change)}`, () => {
      expect(() => validateLayout({ ...layout, ...change })).to.throw(why)
    })
  }

  it('knows its members', () => {
    expect(isMember(layout, 'n2')).to.equal(true)
    expect(isMember(layout, 'n3')).to.equal(false)
  })
})
