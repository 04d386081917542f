import { expect } from 'chai'
import type { Checker } from '../evidence.ts'
import { causality } from './causality.ts'
import { convergence } from './convergence.ts'
import { durability } from './durability.ts'
import { honesty } from './honesty.ts'
import { Story } from './story.ts'
import { uniqueness } from './uniqueness.ts'

function complaints(check: Checker, story: Story): string {
  return check(story.evidence)
    .map((violation) => violation.message)
    .join('\n')
}

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

describe('the causality checker', () => {
  it('flags a write that loses to one acknowledged before it began', () => {
    const story = new Story()
    const old = story.write(1, 2)
    story.write(3, 4)
    story.read(5, 6, [old])
    expect(complaints(causality, story)).to.match(/w1 .* was read .* after .*w2/)
  })

  it('accepts a write of lower rank that another one, above both, may have replaced at once', () => {
    const story = new Story()
    story.seen(story.write(1, 2), 20)
    story.seen(story.write(3, 6), 10)
    story.seen(story.write(4, 5), 30)
    expect(complaints(causality, story)).to.equal('')
  })

  it('flags a write that ranks below one acknowledged before it began, though nobody has read it', () => {
    const story = new Story()
    story.seen(story.write(1, 2), 20)
    story.seen(story.write(3, 4), 10)
    expect(complaints(causality, story)).to.match(/w2 .* ranks below .*w1/)
  })

  it('lets writes that overlap, or were sloppy, fall either way', () => {
    for (const fields of [
      { from: 1.5, sloppy: false },
      { from: 3, sloppy: true },
    ]) {
      const story = new Story()
      const old = story.write(1, 2)
      story.write(fields.from, 4, { sloppy: fields.sloppy })
      story.read(5, 6, [old])
      expect(complaints(causality, story)).to.equal('')
    }
  })

  it('flags a deleted value that comes back after all is healed', () => {
    const story = new Story('siblings')
    const value = story.write(1, 2)
    const basis = story.read(3, 4, [value])
    story.write(5, 6, { basis, deletes: true, sloppy: true })
    story.read(7.5, 8, [value], { final: true })
    expect(complaints(causality, story)).to.match(/w1 .* after the delete/)
  })

  it('excuses a retry that comes back after more requests, or more time, than a record remembers, by stamps', () => {
    const told = (others: number, wallMs: number, attempts: number, replacedMs: number): string => {
      const story = new Story('siblings')
      for (let i = 0; i < others; i++) story.seen(story.write(0, 0.5), wallMs, 'c', i + 1)
      const retried = story.write(1, 2)
      for (let attempt = 0; attempt < attempts; attempt++) story.seen(retried, 20 + attempt, 'a', attempt + 1)
      story.seen(story.write(4, 5, { basis: story.read(2, 3, [retried]) }), replacedMs, 'd')
      story.read(6, 7, [retried])
      return complaints(causality, story)
    }
    expect(told(63, 20, 2, 30)).to.equal('')
    expect(told(0, 20, 2, 30_020)).to.equal('')
    for (const [others, wallMs, attempts, replacedMs] of [
      [62, 20, 2, 30],
      [63, 19, 2, 30],
      [63, 20, 1, 30],
      [0, 20, 2, 30_019],
      [0, 20, 1, 30_020],
    ] as const)
      expect(told(others, wallMs, attempts, replacedMs)).to.match(/w\d+ .* was read .* after/)
  })

  it('expects nothing of a read that calls itself sloppy', () => {
    const story = new Story()
    const old = story.write(1, 2)
    story.write(3, 4)
    story.read(5, 6, [old], { sloppy: true })
    expect(complaints(causality, story)).to.equal('')
  })
})

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

describe('the convergence checker', () => {
  it('is content with owners that hold the same', () => {
    const story = new Story()
    const write = story.write(1, 2)
    for (const node of ['n1', 'n2', 'n3']) story.holds(node, write)
    story.holds('n4', undefined, 1, false)
    expect(complaints(convergence, story)).to.equal('')
  })

  it('flags a damaged record that nobody has mended', () => {
    const story = new Story()
    story.holdsDamaged('n1')
    story.holdsDamaged('n2')
    expect(complaints(convergence, story)).to.equal('n1 holds a damaged record\nn2 holds a damaged record')
  })

  it('flags owners that differ, strangers that hold something, and answers that differ', () => {
    const story = new Story()
    const first = story.write(1, 2)
    const second = story.write(3, 4)
    story.holds('n1', first)
    story.holds('n2', second)
    story.holds('n4', first, 1, false)
    story.read(5, 6, [first], { final: true })
    story.read(5, 6, [second], { final: true })
    const found = complaints(convergence, story)
    expect(found).to.match(/n2 holds .*, n1 holds/)
    expect(found).to.match(/n4 is no owner/)
    expect(found).to.match(/the nodes answer differently/)
  })
})

describe('the uniqueness checker', () => {
  it('flags a dot that names two writes, and none that is seen twice', () => {
    const story = new Story()
    const first = story.write(1, 2)
    story.seen(first, 10, 'a', 1)
    story.seen(first, 10, 'a', 1)
    expect(complaints(uniqueness, story)).to.equal('')
    story.seen(story.write(3, 4), 20, 'a', 1)
    expect(complaints(uniqueness, story)).to.match(/a:1 names c1-1 of k and c1-2 of k/)
  })
})
