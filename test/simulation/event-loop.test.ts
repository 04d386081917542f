import { expect } from 'chai'
import { EventLoop } from './event-loop.ts'
import { Prng } from './prng.ts'

function loopOf(seed: number): EventLoop {
  return new EventLoop({ prng: new Prng(seed) })
}

describe('the event loop of the simulator', () => {
  it('runs events in order of time, whatever the order of their scheduling', async () => {
    const loop = loopOf(1)
    const prng = new Prng(2)
    const ran: number[] = []
    for (let count = 0; count < 500; count++) {
      const time = prng.below(10_000)
      loop.after(time, () => ran.push(loop.now))
    }
    await loop.run(10_000)
    expect(ran).to.have.length(500)
    expect(ran).to.deep.equal([...ran].sort((a, b) => a - b))
    expect(loop.now).to.equal(10_000)
  })

  it('drains all microtasks of an event, at any depth, before the next', async () => {
    const loop = loopOf(1)
    const log: string[] = []
    loop.after(5, () => {
      void (async () => {
        for (let depth = 0; depth < 100; depth++) await Promise.resolve()
        log.push(`first at ${loop.now}`)
      })()
    })
    loop.after(6, () => log.push('second'))
    await loop.run(10)
    expect(log).to.deep.equal(['first at 5', 'second'])
  })

  it('orders events of the same moment by the seed', async () => {
    const order = async (seed: number) => {
      const loop = loopOf(seed)
      const ran: number[] = []
      for (let event = 0; event < 20; event++) loop.after(1, () => ran.push(event))
      await loop.run(1)
      return ran.join()
    }
    expect(await order(1)).to.equal(await order(1))
    expect(await order(1)).not.to.equal(await order(2))
  })

  it('runs neither what was cancelled nor what comes after the end', async () => {
    const loop = loopOf(1)
    let ran = 0
    loop.after(1, () => ran++).cancel()
    loop.after(2, () => ran++)
    loop.after(11, () => ran++)
    await loop.run(10)
    expect(ran).to.equal(1)
    await loop.run(11)
    expect(ran).to.equal(2)
  })

  it('rejects with what an event throws', async () => {
    const loop = loopOf(1)
    loop.after(1, () => {
      throw new Error('thrown by an event')
    })
    const outcome = await loop.run(10).catch((error: Error) => error.message)
    expect(outcome).to.equal('thrown by an event')
  })
})
