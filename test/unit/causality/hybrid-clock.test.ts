import { expect } from 'chai'
import fc from 'fast-check'
import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import { compareStamps, type Stamp } from '../../../server/causality/stamp.ts'

const SKEW = 1_000

function clockAt(start: number, ceiling = Number.MAX_SAFE_INTEGER) {
  const wall = { ms: start }
  const clock = new HybridClock({ wallMs: () => wall.ms }, { maxSkewMs: SKEW })
  clock.raiseCeiling(ceiling)
  return { wall, clock }
}

describe('HybridClock', () => {
  it('follows the wall clock, and counts within a millisecond', () => {
    const { wall, clock } = clockAt(5_000)
    expect(clock.now()).to.deep.equal({ wallMs: 5_000, logical: 0 })
    expect(clock.now()).to.deep.equal({ wallMs: 5_000, logical: 1 })
    wall.ms = 5_001
    expect(clock.now()).to.deep.equal({ wallMs: 5_001, logical: 0 })
  })

  it('keeps rising when the wall clock steps back', () => {
    const { wall, clock } = clockAt(5_000)
    clock.now()
    wall.ms = 1_000
    expect(clock.now()).to.deep.equal({ wallMs: 5_000, logical: 1 })
    expect(clock.wallMs()).to.equal(5_000)
  })

  it('stays below the ceiling until it is raised', () => {
    const { clock } = clockAt(5_000, 4_000)
    expect(clock.now()).to.deep.equal({ wallMs: 3_999, logical: 0 })
    expect(clock.now()).to.deep.equal({ wallMs: 3_999, logical: 1 })
    clock.raiseCeiling(3_000)
    expect(clock.now().wallMs).to.equal(3_999)
    clock.raiseCeiling(6_000)
    expect(clock.now()).to.deep.equal({ wallMs: 5_000, logical: 0 })
  })

  it('gives stamps above those that it observed', () => {
    const { clock } = clockAt(5_000)
    expect(clock.observe({ wallMs: 5_900, logical: 7 })).to.equal(true)
    expect(clock.now()).to.deep.equal({ wallMs: 5_900, logical: 8 })
    expect(clock.observe({ wallMs: 100, logical: 9 })).to.equal(true)
    expect(clock.last()).to.deep.equal({ wallMs: 5_900, logical: 8 })
  })

  it('refuses a stamp beyond the skew and is not moved by it', () => {
    const { clock } = clockAt(5_000)
    expect(clock.observe({ wallMs: 5_000 + SKEW, logical: 0 })).to.equal(true)
    expect(clock.observe({ wallMs: 5_001 + SKEW, logical: 0 })).to.equal(false)
    expect(clock.last().wallMs).to.equal(5_000 + SKEW)
  })

  it('does not follow a wall clock that is not trusted, and expires nothing by it', () => {
    const { wall, clock } = clockAt(5_000)
    let trusted = true
    clock.heed(() => trusted)
    clock.now()
    wall.ms = 900_000
    trusted = false
    expect(clock.now()).to.deep.equal({ wallMs: 5_000, logical: 1 })
    expect(clock.physicalMs()).to.equal(undefined)
    expect(clock.wallMs()).to.equal(5_000)
    wall.ms = 5_010
    trusted = true
    expect(clock.now()).to.deep.equal({ wallMs: 5_010, logical: 0 })
    expect(clock.physicalMs()).to.equal(5_010)
  })

  it('moves on a millisecond when the counter is full', () => {
    const { clock } = clockAt(5_000)
    clock.observe({ wallMs: 5_500, logical: 0xffff_ffff })
    expect(clock.now()).to.deep.equal({ wallMs: 5_501, logical: 0 })
  })

  it('expires by the wall clock when that is ahead of the stamps', () => {
    const { wall, clock } = clockAt(5_000)
    clock.now()
    wall.ms = 9_000
    expect(clock.wallMs()).to.equal(9_000)
  })

  it('gives rising stamps through jumps of the wall clock, observations and restarts', () => {
    const jump = fc.record({ type: fc.constant('jump' as const), to: fc.nat(10_000) })
    const tick = fc.record({ type: fc.constant('now' as const) })
    const reserve = fc.record({ type: fc.constant('reserve' as const), aheadMs: fc.nat(500) })
    const observe = fc.record({
      type: fc.constant('observe' as const),
      stamp: fc.record({ wallMs: fc.nat(12_000), logical: fc.nat(5) }),
    })
    const restart = fc.record({ type: fc.constant('restart' as const) })
    const event = fc.oneof(jump, tick, tick, tick, reserve, observe, restart)
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
        let { wall, clock } = clockAt(0, 100)
        let durable = 100
        let before: Stamp = { wallMs: 0, logical: 0 }
        for (const step of events) {
          if (step.type === 'jump') wall.ms = step.to
          else if (step.type === 'reserve') {
            // As whoever reserves must: above the wall clock, and above what was observed.
            durable = Math.max(durable, wall.ms + step.aheadMs, clock.last().wallMs + 1)
            clock.raiseCeiling(durable)
          } else if (step.type === 'observe') {
            const last = clock.last()
            const near = step.stamp.wallMs <= wall.ms + SKEW
            expect(clock.observe(step.stamp)).to.equal(near)
            const expected = near && compareStamps(step.stamp, last) > 0 ? step.stamp : last
            expect(clock.last()).to.deep.equal(expected)
            durable = Math.max(durable, clock.last().wallMs + 1)
            clock.raiseCeiling(durable)
          } else if (step.type === 'now') {
            const stamp = clock.now()
            expect(compareStamps(stamp, before)).to.be.above(0)
            expect(stamp.wallMs).to.be.below(durable)
            before = stamp
          } else {
            const wallMs = wall.ms
            ;({ wall, clock } = clockAt(wallMs, 0))
            clock.recover({ wallMs: durable, logical: 0 })
            durable = Math.max(durable + 1, wall.ms)
            clock.raiseCeiling(durable)
          }
        }
      }),
    )
  })
})
