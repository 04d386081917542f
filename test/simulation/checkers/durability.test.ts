import { expect } from 'chai'
import { complaints } from './complaints.ts'
import { durability } from './durability.ts'
import { Story } from './story.ts'

describe('the durability checker', () => {
  it('is content with a write that is there, and with one that a higher rank replaced', () => {
    const story = new Story()
    const first = story.write(1, 2)
    const second = story.write(3, 4)
    story.seen(first, 10)
    story.seen(second, 20)
    story.holds('n1', second, 20)
    expect(complaints(durability, story)).to.equal('')
  })

  it('flags a write of which nothing is left', () => {
    const story = new Story()
    story.seen(story.write(1, 2), 10)
    story.holds('n1', undefined)
    expect(complaints(durability, story)).to.match(/w1 .* is lost/)
  })

  it('flags a write that only a lower rank is left of', () => {
    const story = new Story()
    const low = story.write(1, 2)
    const high = story.write(3, 4, { sloppy: true })
    story.seen(low, 10)
    story.seen(high, 20)
    story.holds('n1', low, 10)
    expect(complaints(durability, story)).to.match(/w2 .* is lost/)
  })

  it('does not hold a write without an acknowledgement against anyone', () => {
    const story = new Story()
    story.seen(story.write(1, 2, { outcome: 'unknown' }), 10)
    story.holds('n1', undefined)
    expect(complaints(durability, story)).to.equal('')
  })

  it('holds it against them once somebody has read it, unless a disk was lost since', () => {
    const story = new Story()
    const write = story.write(1, 2, { outcome: 'unknown' })
    story.seen(write, 10)
    story.read(3, 4, [write])
    story.holds('n1', undefined)
    expect(complaints(durability, story)).to.match(/w1 .* is lost, although it was read at 4\.000 s/)
    story.wipe(5)
    expect(complaints(durability, story)).to.equal('')
  })

  it('accepts a value that was read and replaced', () => {
    const story = new Story()
    const write = story.write(1, 2, { outcome: 'unknown' })
    const later = story.write(5, 6, { basis: story.read(3, 4, [write]) })
    story.seen(write, 10)
    story.seen(later, 20)
    story.holds('n1', later, 20)
    expect(complaints(durability, story)).to.equal('')
  })

  it('lets a lower rank stand whose writer had seen the higher', () => {
    const story = new Story()
    const seen = story.write(1, 2)
    const basis = story.read(3, 4, [seen])
    const later = story.write(5, 6, { basis })
    story.seen(seen, 20)
    story.seen(later, 10)
    story.holds('n1', later, 10)
    expect(complaints(durability, story)).to.equal('')
  })

  it('flags, among siblings, a write that the other had not seen', () => {
    const story = new Story('siblings')
    const dropped = story.write(1, 2)
    const kept = story.write(1, 2)
    story.seen(dropped, 10)
    story.seen(kept, 20)
    story.holds('n1', kept, 20)
    expect(complaints(durability, story)).to.match(/w1 .* is lost/)
  })

  it('excuses the only copy on a disk that was wiped, but not the second', () => {
    for (const [acks, lost] of [
      [1, false],
      [2, true],
    ] as const) {
      const story = new Story()
      story.seen(story.write(1, 2, { w: acks }), 10)
      story.holds('n1', undefined)
      story.wipe(5)
      expect(durability(story.evidence).length > 0).to.equal(lost)
    }
  })
})
