import { expect } from 'chai'
import type { WriteOp } from '../history.ts'
import { complaints } from './complaints.ts'
import { elements, fates } from './elements.ts'
import { Story } from './story.ts'

describe('the checker of elements', () => {
  it('tells values that stay from those that readers missed, that nobody read, and that are lost', () => {
    const story = new Story()
    const [stable, stale, unread, lost, last] = [1, 10, 20, 30, 40].map((at) => story.write(at, at + 1))
    const writes = [stable, stale, unread, last]
    for (const [i, write] of writes.entries()) if (write !== undefined) story.seen(write, (i + 1) * 10)
    if (!(stable && stale && unread && lost && last)) throw new Error('there are five')
    story.seen(lost, 900)
    story.read(2, 3, [stable])
    story.read(12, 13, [stale])
    story.read(14, 15, [stable])
    story.read(50, 51, [last])
    story.holds('n1', last, 40)
    expect(Object.fromEntries(fates(story.evidence))).to.deep.equal({
      stable: 2,
      stale: 1,
      'never read': 1,
      lost: 1,
    })
    expect(complaints(elements, story)).to.equal('')
  })

  it('flags a run in which no value was read and stayed', () => {
    const of = (writes: number, reads = 10): Story => {
      const story = new Story()
      for (let at = 1; at <= reads; at++) story.read(at, at + 0.1, [])
      for (let at = 1; at < writes; at++) story.seen(story.write(at, at + 0.5), at)
      const last = story.write(20, 21)
      story.seen(last, 20)
      story.holds('n1', last, 20)
      return story
    }
    // So few say nothing.
    expect(complaints(elements, of(9))).to.equal('')
    expect(complaints(elements, of(10, 9))).to.equal('')
    const story = of(10)
    expect(complaints(elements, story)).to.equal('of 10 acknowledged values none was read and stayed')
    const last = story.evidence.history.writes.at(-1) as WriteOp
    story.read(22, 23, [last])
    expect(complaints(elements, story)).to.equal('')
  })

  it('has nothing to say where nothing was acknowledged, or all has expired', () => {
    const story = new Story()
    story.write(1, 2, { outcome: 'unknown' })
    story.write(3, 4, { ttlMs: 5 })
    story.holds('n1', undefined)
    expect([complaints(elements, story), fates(story.evidence).size]).to.deep.equal(['', 0])
  })
})
