import { expect } from 'chai'
import { Alarm, Deadlines, TICK_MS } from '../../../server/rpc/deadlines.ts'
import { EventLoop } from '../../simulation/event-loop.ts'
import { Prng } from '../../simulation/prng.ts'
import { trueClock } from '../../simulation/virtual-clock.ts'

function setUp() {
  const loop = new EventLoop({ prng: new Prng(1) })
  const clock = trueClock(loop)
  return { loop, clock, deadlines: new Deadlines(clock) }
}

describe('Deadlines', () => {
  it('expires each deadline once, never early and at most two ticks late', async () => {
    const { loop, clock, deadlines } = setUp()
    const late: number[] = []
    let expired = 0
    for (const ms of [500, 3, 20, 21, 1000, 999, 40, 0, 7]) {
      const due = clock.monotonicMs() + ms
      const expire = () => {
        expired++
        late.push(clock.monotonicMs() - due)
      }
      deadlines.add(ms, new Alarm(expire))
    }
    await loop.run(3_000_000)
    expect(expired).to.equal(9)
    for (const ms of late) expect(ms).to.be.within(0, 2 * TICK_MS)
  })

  it('passes over what is settled', async () => {
    const { loop, deadlines } = setUp()
    const deadline = new Alarm(() => expect.fail('it was settled'))
    deadlines.add(50, deadline)
    deadline.settle()
    await loop.run(1_000_000)
  })

  it('passes over one that another of the same tick has settled', async () => {
    const { loop, deadlines } = setUp()
    const second = new Alarm(() => expect.fail('it was settled'))
    const expired: string[] = []
    deadlines.add(50, new Alarm(() => second.settle()))
    deadlines.add(50, second)
    deadlines.add(50, new Alarm(() => expired.push('third')))
    await loop.run(1_000_000)
    expect(expired).to.deep.equal(['third'])
  })

  it('lets go of what is settled', async () => {
    const { deadlines } = setUp()
    const deadline = new Alarm(() => undefined)
    deadlines.add(50, deadline)
    deadlines.add(50, new Alarm(() => undefined))
    const { next, previous } = deadline
    deadline.settle()
    expect(next?.previous).to.equal(previous)
    expect(previous?.next).to.equal(next)
    expect(deadline).to.include({ next: undefined, previous: undefined })
  })

  it('takes deadlines that are added while others expire', async () => {
    const { loop, clock, deadlines } = setUp()
    let at = 0
    const second = new Alarm(() => {
      at = clock.monotonicMs()
    })
    deadlines.add(100, new Alarm(() => deadlines.add(100, second)))
    await loop.run(1_000_000)
    expect(at).to.be.within(200, 260)
  })

  it('calls nobody after it was stopped', async () => {
    const { loop, deadlines } = setUp()
    deadlines.add(50, new Alarm(() => expect.fail('it was stopped')))
    deadlines.stop()
    await loop.run(1_000_000)
  })
})
