import { expect } from 'chai'
import { encodeLayout, type Layout } from '../../../server/membership/layout.ts'
import { complaints } from './complaints.ts'
import { oneLayout } from './one-layout.ts'
import { Story } from './story.ts'

const member = (id: string) => ({ id, zone: '', weight: 1 })
const LAYOUT: Layout = {
  version: 2,
  cluster: 'c',
  ringId: 'r',
  n: 2,
  r: 1,
  w: 2,
  conflicts: 'lww',
  members: [member('n1'), member('n2')],
  former: [],
}

describe('the checker of layouts', () => {
  it('flags two of one number, and none that several disks hold', () => {
    const story = new Story()
    const adopts = (change: Partial<Layout>) =>
      story.evidence.observations.noteLayout(encodeLayout({ ...LAYOUT, ...change }))
    for (let disk = 0; disk < 2; disk++) adopts({})
    adopts({ version: 3, conflicts: 'siblings' })
    expect(complaints(oneLayout, story)).to.equal('')
    adopts({ conflicts: 'siblings' })
    expect(complaints(oneLayout, story)).to.equal(
      'there are 2 layouts 2: n1 n2, lww, of r; n1 n2, siblings, of r',
    )
  })
})
