import { expect } from 'chai'
import { complaints } from './complaints.ts'
import { honesty } from './honesty.ts'
import { Story } from './story.ts'

describe('the honesty checker', () => {
  it('flags a value that nobody wrote', () => {
    const story = new Story()
    story.write(1, 2)
    story.read(3, 4, [], { values: ['phantom'] })
    expect(complaints(honesty, story)).to.match(/"phantom", which nobody wrote/)
  })

  it('flags a write that is read or held although it failed for certain', () => {
    const story = new Story()
    const failed = story.write(1, 2, { outcome: 'definite' })
    story.read(3, 4, [failed])
    story.holds('n2', failed)
    expect(complaints(honesty, story)).to.match(/which had failed for certain[\s\S]*yet n2 holds it/)
  })

  it('lets a write of unknown outcome appear', () => {
    const story = new Story()
    story.read(3, 4, [story.write(1, 2, { outcome: 'unknown' })])
    expect(complaints(honesty, story)).to.equal('')
  })

  it('flags acknowledgements that fall short, and hints that counted for a strict write', () => {
    const story = new Story()
    story.write(1, 2, { acks: 1 })
    story.write(1, 2, { strict: true, sloppy: true })
    expect(complaints(honesty, story)).to.match(/claims 1 acks of w=2[\s\S]*was strict/)
  })

  it('flags "not found" after a write whose quorum meets the read', () => {
    const story = new Story()
    story.seen(story.write(1, 2), 10)
    story.read(3, 4, [])
    expect(complaints(honesty, story)).to.match(/found nothing, and does not know of .*w1/)
  })

  it('excuses "not found" by a delete, an expiry, a small quorum or an admission', () => {
    const deleted = new Story()
    deleted.seen(deleted.write(1, 2), 10)
    deleted.seen(deleted.write(3, 4, { deletes: true }), 20)
    deleted.read(5, 6, [])
    const expired = new Story()
    expired.seen(expired.write(1, 2, { ttlMs: 500 }), 10)
    expired.read(5, 6, [])
    const small = new Story()
    small.seen(small.write(1, 2, { w: 1 }), 10)
    small.read(5, 6, [])
    const sloppy = new Story()
    sloppy.seen(sloppy.write(1, 2), 10)
    sloppy.read(5, 6, [], { sloppy: true })
    for (const story of [deleted, expired, small, sloppy]) expect(complaints(honesty, story)).to.equal('')
  })

  it('flags "not found" after a sloppy write, once the news of its hint has gone round', () => {
    for (const [at, flagged] of [
      [2.1, false],
      [4, true],
    ] as const) {
      const story = new Story()
      story.seen(story.write(1, 2, { sloppy: true }), 10)
      story.read(at, 5, [])
      expect(honesty(story.evidence).length > 0).to.equal(flagged)
    }
  })

  it('flags a value from the future', () => {
    const story = new Story()
    const later = story.write(5, 6)
    story.read(1, 2, [later])
    expect(complaints(honesty, story)).to.match(/which came later/)
  })

  it('flags an internal error', () => {
    const story = new Story()
    story.read(1, 2, [], { outcome: 'unknown', code: 'internal' })
    expect(complaints(honesty, story)).to.match(/failed: internal/)
  })
})
