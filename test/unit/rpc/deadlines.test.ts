import { expect } from 'chai'
import { Deadlines, TICK_MS } from '../../../server/rpc/deadlines.ts'
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
      deadlines.add(ms, { settled: false, expire })
    }
    await loop.run(3_000_000)
    expect(expired).to.equal(9)
    for (const ms of late) expect(ms).to.be.within(0, 2 * TICK_MS)
  })

  it('passes over what is settled', async () => {
    const { loop, deadlines } = setUp()
    const deadline = { settled: false, expire: () => expect.fail('it was settled') }
    deadlines.add(50, deadline)
    deadline.settled = true
    await loop.run(1_000_000)
  })

  it('takes deadlines that are added while others expire', async () => {
    const { loop, clock, deadlines } = setUp()
    let at = 0
    const second = {
      settled: false,
      expire: () => {
        at = clock.monotonicMs()
      },
    }
    deadlines.add(100, { settled: false, expire: () => deadlines.add(100, second) })
    await loop.run(1_000_000)
    expect(at).to.be.within(200, 260)
  })

  it('calls nobody after it was stopped', async () => {
    const { loop, deadlines } = setUp()
    deadlines.add(50, { settled: false, expire: () => expect.fail('it was stopped') })
    deadlines.stop()
    await loop.run(1_000_000)
  })
})
