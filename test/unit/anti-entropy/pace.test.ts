import { expect } from 'chai'
import { Pace } from '../../../server/anti-entropy/pace.ts'
import { ManualClock } from '../manual-clock.ts'

const PER_SECOND = 1_000

describe('the pace of work in the background', () => {
  let clock: ManualClock
  let pace: Pace

  beforeEach(() => {
    clock = new ManualClock()
    pace = new Pace({ clock }, { perSecond: PER_SECOND, atLeast: PER_SECOND / 16 })
  })

  /** Pieces of work one after the other, each of which takes so long. */
  async function work(pieces: number, ms: number): Promise<void> {
    for (let i = 0; i < pieces; i++) await pace.observe(async () => clock.advance(ms))
  }

  it('lets units pass evenly, and saves up none that were not used', async () => {
    clock.advance(5_000)
    const passed: number[] = []
    for (let i = 0; i < 3; i++) void pace.take(10).then(() => passed.push(clock.monotonicMs() - 5_000))
    for (let i = 0; i < 30; i++) {
      clock.advance(1)
      await Promise.resolve()
    }
    expect(passed).to.have.length(3)
    expect(passed[2]).to.be.within(20, 21)
  })

  it('begins gently, and comes to its rate within seconds while the work is done promptly', async () => {
    await work(1, 1)
    expect(pace.rate).to.equal(PER_SECOND / 16)
    await work(1_000, 1)
    expect(pace.rate).to.be.within(PER_SECOND / 4, PER_SECOND / 2)
    await work(2_000, 1)
    expect(pace.rate).to.equal(PER_SECOND)
    clock.advance(10_000)
    await work(1, 1)
    expect(pace.rate).to.be.lessThan(PER_SECOND / 7)
  })

  it('keeps its rate while the work takes about as long as ever, be that long', async () => {
    await work(100, 50)
    expect(pace.rate).to.equal(PER_SECOND)
    await work(50, 150)
    expect(pace.rate).to.equal(PER_SECOND)
  })

  it('slows down where the work has to wait, down to a small share and no further', async () => {
    await work(4_000, 1)
    await work(20, 10)
    expect(pace.rate).to.equal(PER_SECOND / 4)
    await work(1_000, 10)
    expect(pace.rate).to.equal(PER_SECOND / 16)
    const beganMs = clock.monotonicMs()
    await pace.take(1)
    const next = pace.take(1)
    clock.advance(15)
    let passed = false
    void next.then(() => {
      passed = true
    })
    await Promise.resolve()
    expect(passed).to.equal(false)
    clock.advance(1)
    await next
    expect(clock.monotonicMs() - beganMs).to.equal(16)
  })

  it('learns that work has come to take longer for good', async () => {
    await work(4_000, 1)
    await work(3_000, 20)
    expect(pace.rate).to.equal(PER_SECOND / 16)
    await work(6_000, 20)
    expect(pace.rate).to.equal(PER_SECOND)
  })

  it('slows down once in a while, not with every piece that was under way together', async () => {
    await work(4_000, 1)
    const slow = Array.from({ length: 20 }, () => {
      let done: () => void = () => undefined
      const work = new Promise<void>((resolve) => {
        done = resolve
      })
      return { observed: pace.observe(() => work), done: () => done() }
    })
    clock.advance(150)
    for (const { done } of slow) done()
    await Promise.all(slow.map(({ observed }) => observed))
    expect(pace.rate).to.equal(PER_SECOND / 2)
  })

  it('minds work that failed as well, and lets the failure through', async () => {
    await work(4_000, 1)
    for (let i = 0; i < 8; i++) {
      const failing = pace.observe(async () => {
        clock.advance(200)
        throw new Error('the peer has timed out')
      })
      const error = await failing.catch((thrown: unknown) => thrown)
      expect(error).to.be.an('error').with.property('message', 'the peer has timed out')
    }
    expect(pace.rate).to.equal(PER_SECOND / 16)
  })
})
