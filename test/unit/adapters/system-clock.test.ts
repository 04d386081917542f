import { expect } from 'chai'
import { SystemClock } from '../../../server/adapters/system-clock.ts'

describe('the system clock', () => {
  let clock: SystemClock
  beforeEach(() => {
    clock = new SystemClock()
  })
  afterEach(() => clock.close())

  const waited = (ms: number): Promise<number> => {
    const from = performance.now()
    return new Promise((resolve) => clock.after(ms, () => resolve(performance.now() - from)))
  }

  it('never calls back before its time, nor before it returns', async () => {
    const delays = [0, 1, 5, 31, 32, 33, 40, 64, 100, 250]
    const times = await Promise.all(delays.map(waited))
    for (const [i, time] of times.entries()) expect(time).to.be.at.least((delays[i] as number) - 0.5)
    let called = false
    clock.after(0, () => {
      called = true
    })
    expect(called).to.equal(false)
  })

  it('does not call what was cancelled', async () => {
    const called: string[] = []
    for (const ms of [0, 10, 40, 80]) clock.after(ms, () => called.push(`cancelled ${ms}`)).cancel()
    clock.after(100, () => called.push('kept'))
    await waited(140)
    expect(called).to.deep.equal(['kept'])
  })

  it('lets one timer cancel another of the same moment', async () => {
    const called: number[] = []
    const timers = [0, 1].map((i) =>
      clock.after(40, () => {
        called.push(i)
        timers[1 - i]?.cancel()
      }),
    )
    await waited(120)
    expect(called).to.have.length(1)
  })

  it('can be set from within a timer, and cancelled after it fired', async () => {
    const called: string[] = []
    const first = clock.after(40, () => {
      called.push('first')
      clock.after(40, () => called.push('second'))
    })
    await waited(150)
    first.cancel()
    expect(called).to.deep.equal(['first', 'second'])
  })

  it('waits on where a delay is longer than one timer can be', async () => {
    let called = false
    clock.after(2 ** 32, () => {
      called = true
    })
    await waited(50)
    expect(called).to.equal(false)
  })

  it('calls nobody after it was closed', async () => {
    let called = false
    clock.after(20, () => {
      called = true
    })
    clock.close()
    await waited(60)
    expect(called).to.equal(false)
  })

  it('fires long delays in the order of their times', async () => {
    const called: number[] = []
    for (const ms of [120, 60, 90]) clock.after(ms, () => called.push(ms))
    await waited(180)
    expect(called).to.deep.equal([60, 90, 120])
  })
})
