import { expect } from 'chai'
import { causality } from './causality.ts'
import { complaints } from './complaints.ts'
import { Story } from './story.ts'

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
    const told = (
      others: number,
      wallMs: number,
      attempts: readonly number[],
      replacedMs: number,
    ): string => {
      const story = new Story('siblings')
      for (let i = 0; i < others; i++) story.seen(story.write(0, 0.5), wallMs, 'c', i + 1)
      const retried = story.write(1, 2)
      for (const [i, attempt] of attempts.entries()) story.seen(retried, 20 + i, 'a', i + 1, attempt)
      story.seen(story.write(4, 5, { basis: story.read(2, 3, [retried]) }), replacedMs, 'd')
      story.read(6, 7, [retried])
      return complaints(causality, story)
    }
    expect(told(63, 20, [0, 1], 30)).to.equal('')
    expect(told(0, 20, [0, 1], 30_020)).to.equal('')
    for (const [others, wallMs, attempts, replacedMs] of [
      [62, 20, [0, 1], 30],
      [63, 19, [0, 1], 30],
      [63, 20, [0], 30],
      [0, 20, [0, 1], 30_019],
      [0, 20, [0], 30_020],
      // Lifted by its own coordinator.
      [63, 20, [0, 0], 30],
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
