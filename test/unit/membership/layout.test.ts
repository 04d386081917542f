import { expect } from 'chai'
import {
  decodeLayout,
  encodeLayout,
  type FormerMember,
  isMember,
  type Layout,
  layoutDigest,
  membersAt,
  placedIn,
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

const shrunk: Layout = {
  ...layout,
  version: 9,
  n: 2,
  former: [
    { id: 'n4', zone: 'us', weight: 0.5, removedIn: 4 },
    { id: 'n0', zone: '', weight: 1, removedIn: 7 },
  ],
}

describe('layout', () => {
  it('comes back from its bytes as it was', () => {
    expect(decodeLayout(encodeLayout(layout))).to.deep.equal(layout)
    const siblings: Layout = { ...layout, conflicts: 'siblings', version: 2 ** 40 }
    expect(decodeLayout(encodeLayout(siblings))).to.deep.equal(siblings)
    expect(decodeLayout(encodeLayout(shrunk))).to.deep.equal(shrunk)
  })

  it('has the bytes that it had before members could be removed, where none was', () => {
    expect(encodeLayout(layout)[0]).to.equal(1)
    expect(encodeLayout(shrunk)[0]).to.equal(2)
    expect(layoutDigest(layout)).to.equal('ba13b96397f74062')
  })

  it('has a digest that any change changes', () => {
    const others: Layout[] = [
      { ...layout, version: 2 },
      { ...layout, ringId: 'x' },
      { ...layout, w: 3 },
      { ...layout, conflicts: 'siblings' },
      { ...layout, members: layout.members.slice(0, 1) },
      shrunk,
      { ...shrunk, former: [] },
      { ...shrunk, former: shrunk.former.slice(0, 1) },
      { ...shrunk, former: shrunk.former.map((one) => ({ ...one, weight: 1 })) },
      { ...shrunk, former: shrunk.former.map((one, i) => ({ ...one, removedIn: i + 2 })) },
    ]
    const digests = [layout, ...others].map(layoutDigest)
    expect(new Set(digests).size).to.equal(digests.length)
    expect(layoutDigest(decodeLayout(encodeLayout(layout)))).to.equal(digests[0])
  })

  it('refuses bytes that end early, go on, or are of another format', () => {
    for (const bytes of [encodeLayout(layout), encodeLayout(shrunk)]) {
      for (let length = 0; length < bytes.length; length++) {
        expect(() => decodeLayout(bytes.subarray(0, length)), `${length} bytes`).to.throw(RangeError)
      }
      expect(() => decodeLayout(Buffer.concat([bytes, Buffer.of(0)]))).to.throw(RangeError)
    }
    const later = encodeLayout(layout)
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

  const [n4, n0] = shrunk.former as [FormerMember, FormerMember]
  const invalidFormer: [string, Partial<Layout>][] = [
    ['n4 is named twice', { former: [n4, { ...n0, id: 'n4' }] }],
    ['n1 is named twice', { former: [n4, { ...n0, id: 'n1' }] }],
    ['not at all', { former: [{ ...n4, id: '' }] }],
    ['n0 was removed in 4, after 4', { former: [n4, { ...n0, removedIn: 4 }] }],
    ['n4 was removed in 4, after 7', { former: [n0, n4] }],
    ['n4 was removed in 1, after 1', { former: [{ ...n4, removedIn: 1 }] }],
    ['n4 was removed in 4.5', { former: [{ ...n4, removedIn: 4.5 }] }],
    ['n0 was removed in 10', { former: [n4, { ...n0, removedIn: 10 }] }],
    ['n0 was removed in 7', { version: 6 }],
    ['weight of n4', { former: [{ ...n4, weight: 0 }] }],
    ['weight of n0', { former: [n4, { ...n0, weight: 1001 }] }],
    ['zone of n4', { former: [{ ...n4, zone: 'z'.repeat(65) }] }],
    ['n is 3, but after removals 2 are left', { n: 3 }],
    [
      'it has 1025 members',
      {
        version: 2000,
        former: Array.from({ length: 1023 }, (_, i) => ({ ...n4, id: `f${i}`, removedIn: i + 2 })),
      },
    ],
  ]
  for (const [why, change] of invalidFormer) {
    it(`refuses former members where it must say: ${why}`, () => {
      const broken = { ...shrunk, ...change }
      expect(() => validateLayout(shrunk)).not.to.throw()
      expect(() => validateLayout(broken)).to.throw(why)
    })
  }

  it('refuses the bytes of a layout that breaks a rule', () => {
    const twice: Layout = { ...shrunk, former: [n4, { ...n0, id: 'n4' }] }
    expect(() => decodeLayout(encodeLayout(twice))).to.throw('n4 is named twice')
  })

  it('knows its members', () => {
    expect(isMember(layout, 'n2')).to.equal(true)
    expect(isMember(layout, 'n3')).to.equal(false)
    expect(isMember(shrunk, 'n4')).to.equal(false)
  })

  it('knows since when every slot has had its owners', () => {
    expect(placedIn(layout)).to.equal(1)
    expect(placedIn({ ...layout, version: 5 })).to.equal(1)
    expect(placedIn(shrunk)).to.equal(7)
    expect(placedIn({ ...shrunk, former: [n4] })).to.equal(4)
  })

  it('knows the members and the former ones as they were at an earlier number', () => {
    const ids = (version: number) => {
      const { members, former } = membersAt(shrunk, version)
      return [members, former].map((nodes) => nodes.map(({ id }) => id).join(' '))
    }
    for (const version of [9, 8, 7]) expect(ids(version)).to.deep.equal(['n1 n2', 'n4 n0'])
    for (const version of [6, 5, 4]) expect(ids(version)).to.deep.equal(['n0 n1 n2', 'n4'])
    for (const version of [3, 2, 1]) expect(ids(version)).to.deep.equal(['n0 n1 n2 n4', ''])
    expect(membersAt(shrunk, 3).members).to.deep.equal([
      { id: 'n0', zone: '', weight: 1 },
      ...layout.members,
      { id: 'n4', zone: 'us', weight: 0.5 },
    ])
    expect(membersAt(shrunk, 4).former).to.deep.equal([n4])
  })
})
