import { expect } from 'chai'
import { ClockSkew } from '../../../server/membership/clock-skew.ts'

const WALL = 1_767_225_600_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** Node n1 of a ring; `offsets` are how far the peers' clocks are ahead of its own. */
class Subject {
  readonly skew = new ClockSkew({ self: 'n1', maxSkewMs: MINUTE })
  monotonicMs = 0
  /** Of the wall clock, against the monotonic one. */
  jumpMs = 0

  constructor(members: number) {
    this.skew.setMembers(Array.from({ length: members }, (_, index) => `n${index + 1}`))
    this.round()
  }

  get wallMs(): number {
    return WALL + this.monotonicMs + this.jumpMs
  }

  round(): number {
    this.monotonicMs += 250
    return this.skew.round(this.wallMs, this.monotonicMs)
  }

  hear(offsets: Record<string, number>, roundTripMs = 2): void {
    for (const [peer, offset] of Object.entries(offsets)) {
      const sampled = this.wallMs - roundTripMs / 2 + offset
      this.skew.sample(peer, sampled, roundTripMs, this.wallMs, this.monotonicMs)
    }
    this.round()
  }

  get trusted(): boolean {
    return this.skew.trusted(this.wallMs, this.monotonicMs)
  }
}

describe('clock skew', () => {
  it('does not trust a clock between a slow and a fast one', () => {
    const node = new Subject(5)
    node.hear({ n2: -11 * MINUTE, n3: 4 * MINUTE })
    expect(node.trusted).to.equal(false)
    node.hear({ n4: 0 })
    expect(node.trusted, 'two against one each').to.equal(false)
    node.hear({ n5: 0 })
    expect(node.trusted, 'three of five').to.equal(true)
  })

  it('trusts nothing before there is a layout', () => {
    expect(new Subject(0).trusted).to.equal(false)
  })

  it('trusts a node that is its whole ring', () => {
    expect(new Subject(1).trusted).to.equal(true)
  })

  it('waits for a majority of the members', () => {
    const subject = new Subject(5)
    expect(subject.trusted).to.equal(false)
    subject.hear({ n2: 0, stranger: 0 })
    expect(subject.trusted).to.equal(false)
    subject.hear({ n3: 0 })
    expect(subject.trusted).to.equal(true)
  })

  it('is not confirmed by peers that were heard one after the other', () => {
    const subject = new Subject(5)
    subject.hear({ n2: HOUR })
    subject.monotonicMs += MINUTE
    subject.hear({ n3: HOUR })
    expect(subject.trusted).to.equal(false)
    subject.hear({ n2: HOUR })
    expect([subject.trusted, subject.skew.offsetMs]).to.deep.equal([false, HOUR])
  })

  it('does not take a wrong clock for right because nobody is there to compare it with', () => {
    const subject = new Subject(5)
    subject.hear({ n2: -HOUR, n3: -HOUR, n4: -HOUR })
    for (let round = 0; round < 40; round++) subject.round()
    expect(subject.trusted).to.equal(false)
    subject.hear({ n2: 0, n3: 0 })
    expect(subject.trusted).to.equal(true)
  })

  it('measures the offset of a clock that is ahead or behind', () => {
    for (const offset of [5000, -5000]) {
      const subject = new Subject(3)
      subject.hear({ n2: offset, n3: offset })
      expect(subject.skew.offsetMs).to.equal(offset)
      expect(subject.trusted).to.equal(true)
    }
  })

  it('does not trust the one clock that is an hour off, and trusts the others', () => {
    const wrong = new Subject(3)
    wrong.hear({ n2: -HOUR, n3: -HOUR })
    expect(wrong.trusted).to.equal(false)
    const right = new Subject(3)
    right.hear({ n2: HOUR, n3: 0 })
    expect(right.trusted).to.equal(true)
  })

  it('trusts neither of two halves that disagree', () => {
    const subject = new Subject(2)
    subject.hear({ n2: HOUR })
    expect(subject.trusted).to.equal(false)
    const four = new Subject(4)
    four.hear({ n2: 0, n3: HOUR, n4: HOUR })
    expect(four.trusted).to.equal(false)
  })

  it('trusts again when the clock has been set right and the majority confirms it', () => {
    const subject = new Subject(3)
    subject.hear({ n2: -HOUR, n3: -HOUR })
    subject.jumpMs = -HOUR
    expect(subject.round()).to.equal(-HOUR)
    expect(subject.trusted).to.equal(false)
    subject.hear({ n2: 0, n3: 0 })
    expect(subject.trusted).to.equal(true)
  })

  it('loses trust at the very moment of a jump, before the next round', () => {
    const subject = new Subject(3)
    subject.hear({ n2: 0, n3: 0 })
    subject.jumpMs = 1001
    expect(subject.trusted).to.equal(false)
    subject.jumpMs = 999
    expect(subject.trusted).to.equal(true)
  })

  it('believes the sample with the shortest round trip', () => {
    const subject = new Subject(3)
    subject.hear({ n2: 10, n3: 10 }, 2)
    subject.hear({ n2: 900, n3: 900 }, 1800)
    expect(subject.skew.offsetMs).to.equal(10)
  })

  it('gives up samples of peers that are silent', () => {
    const subject = new Subject(3)
    subject.hear({ n2: HOUR, n3: HOUR })
    for (let rounds = 0; rounds < 24; rounds++) subject.hear({ n3: 0 })
    expect(subject.trusted).to.equal(true)
  })
})
