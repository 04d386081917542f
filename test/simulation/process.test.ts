import { expect } from 'chai'
import { EventLoop } from './event-loop.ts'
import { Prng } from './prng.ts'
import { SimulatedProcess } from './process.ts'
import { MachineTime, VirtualClock } from './virtual-clock.ts'

describe('a simulated process', () => {
  const setUp = () => {
    const loop = new EventLoop({ prng: new Prng(1) })
    const thrown: unknown[] = []
    const process = new SimulatedProcess({ loop, onThrow: (error) => thrown.push(error) })
    const machine = new MachineTime({ loop }, { offsetMs: 0, driftPpm: 0 })
    const clock = new VirtualClock({ loop, machine, process })
    return { loop, thrown, process, machine, clock }
  }

  it('works off in order, after a pause, what came in meanwhile', async () => {
    const { loop, process, clock } = setUp()
    const log: string[] = []
    for (const ms of [1, 2, 3])
      clock.after(ms, () => log.push(`${ms} at ${clock.monotonicMs() >= 50 ? 'the end' : 'its time'}`))
    loop.after(1_500, () => process.pause())
    loop.after(50_000, () => process.resume())
    await loop.run(100_000)
    expect(log).to.deep.equal(['1 at its time', '2 at the end', '3 at the end'])
    expect(process.state).to.equal('running')
  })

  it('can be paused again while it works off a pause', async () => {
    const { loop, process } = setUp()
    const log: string[] = []
    process.pause()
    process.run(() => {
      log.push('first')
      process.pause()
    })
    process.run(() => log.push('second'))
    process.resume()
    await loop.run(1_000)
    expect(log).to.deep.equal(['first'])
    process.resume()
    await loop.run(2_000)
    expect(log).to.deep.equal(['first', 'second'])
  })

  it('does nothing any more when it is dead', async () => {
    const { loop, process, clock } = setUp()
    let ran = 0
    clock.after(1, () => ran++)
    process.die()
    process.run(() => ran++)
    await loop.run(10_000)
    expect(ran).to.equal(0)
  })

  it('reports what it throws', () => {
    const { process, thrown } = setUp()
    process.run(() => {
      throw new Error('a bug')
    })
    expect(thrown.map(String)).to.deep.equal(['Error: a bug'])
  })

  it('has a wall clock that steps and drifts, and a monotonic one that does not step', async () => {
    const { loop, process } = setUp()
    const machine = new MachineTime({ loop }, { offsetMs: 0, driftPpm: 10_000 })
    const clock = new VirtualClock({ loop, machine, process })
    const before = clock.wallMs()
    await loop.run(10_000_000)
    expect(clock.wallMs() - before).to.equal(10_100)
    machine.offsetMs -= 60_000
    expect(clock.wallMs() - before).to.equal(10_100 - 60_000)
    expect(clock.monotonicMs()).to.be.closeTo(10_100, 1)
  })

  it('keeps a timer for at least its time by its own clock', async () => {
    const { loop, process } = setUp()
    for (const driftPpm of [-5_000, 0, 5_000]) {
      const clock = new VirtualClock({
        loop,
        machine: new MachineTime({ loop }, { offsetMs: 0, driftPpm }),
        process,
      })
      const from = clock.monotonicMs()
      let waited = 0
      clock.after(123, () => {
        waited = clock.monotonicMs() - from
      })
      await loop.run(loop.now + 200_000)
      expect(waited).to.be.within(123, 123.1)
    }
  })
})
