import { expect } from 'chai'
import { Dialer } from '../../../server/adapters/dialer.ts'
import type { Address } from '../../../server/ports/network.ts'
import { ManualClock } from '../manual-clock.ts'

const HERE: Address = { host: '127.0.0.1', port: 1 }
const THERE: Address = { host: '127.0.0.1', port: 2 }

/** A dialer whose attempts are settled by hand; jitter is always the same part of its range. */
function makeDialer(jitter = 0) {
  const clock = new ManualClock()
  const attempts: { atMs: number; address: Address; done: (linked: boolean) => void; givenUp: boolean }[] = []
  const dialer = new Dialer(
    {
      clock,
      random: { u32: () => 0, below: (n) => Math.floor((n - 1) * jitter), bytes: (n) => Buffer.alloc(n) },
      attempt: (address, done) => {
        const attempt = { atMs: clock.monotonicMs(), address, done, givenUp: false }
        attempts.push(attempt)
        return () => {
          attempt.givenUp = true
          done(false)
        }
      },
    },
    { firstBackoffMs: 50, maxBackoffMs: 2000 },
    HERE,
  )
  const fail = () => attempts.at(-1)?.done(false)
  return { clock, dialer, attempts, fail }
}

describe('Dialer', () => {
  it('tries again for ever', () => {
    const { clock, dialer, attempts, fail } = makeDialer()
    dialer.dial()
    for (let i = 0; i < 200; i++) {
      fail()
      clock.advance(2000)
    }
    expect(attempts).to.have.length(201)
  })

  it('waits 50 ms to 2 s, doubling, with half of it jitter', () => {
    for (const jitter of [0, 1]) {
      const { clock, dialer, attempts, fail } = makeDialer(jitter)
      dialer.dial()
      const waits: number[] = []
      for (let i = 0; i < 8; i++) {
        fail()
        let waited = 0
        while (attempts.length < i + 2) {
          clock.advance(1)
          waited++
        }
        waits.push(waited)
      }
      const full = [100, 200, 400, 800, 1600, 2000, 2000, 2000]
      expect(waits).to.deep.equal(jitter === 0 ? full.map((ms) => ms / 2) : full)
    }
  })

  it('has one attempt under way at a time, and none while there is a link', () => {
    const { clock, dialer, attempts, fail } = makeDialer()
    dialer.dial()
    dialer.dial()
    expect(attempts).to.have.length(1)
    fail()
    dialer.dial()
    expect(attempts).to.have.length(1)
    dialer.linked()
    dialer.dial()
    clock.advance(10_000)
    expect(attempts).to.have.length(1)
  })

  it('dials again soon after a link that lasted, and not so soon after one that did not', () => {
    const { clock, dialer, attempts } = makeDialer()
    dialer.dial()
    for (let i = 0; i < 6; i++) {
      attempts.at(-1)?.done(true)
      dialer.linked()
      dialer.lost()
      clock.advance(2000)
    }
    expect(attempts).to.have.length(7)
    expect((attempts[6]?.atMs ?? 0) - (attempts[5]?.atMs ?? 0)).to.be.at.least(1000)
    attempts.at(-1)?.done(true)
    dialer.linked()
    clock.advance(60_000)
    dialer.lost()
    clock.advance(50)
    expect(attempts).to.have.length(8)
  })

  it('lets an attempt go on when the peer has dialed meanwhile, and does not repeat it', () => {
    const { clock, dialer, attempts, fail } = makeDialer()
    dialer.dial()
    dialer.linked()
    expect(attempts[0]?.givenUp).to.equal(false)
    fail()
    clock.advance(10_000)
    expect(attempts).to.have.length(1)
  })

  it('dials again where a link came and went during an attempt that fails', () => {
    const { clock, dialer, attempts, fail } = makeDialer()
    dialer.dial()
    dialer.linked()
    dialer.lost()
    fail()
    clock.advance(2000)
    expect(attempts).to.have.length(2)
  })

  it('goes to the new address at once while it waits', () => {
    const { dialer, attempts, fail } = makeDialer()
    dialer.dial()
    fail()
    dialer.redirect(THERE)
    expect(attempts.map(({ address }) => address)).to.deep.equal([HERE, THERE])
  })

  it('gives up an attempt at the old address for one at the new', () => {
    const { clock, dialer, attempts } = makeDialer()
    dialer.dial()
    dialer.redirect(THERE)
    expect(attempts.map(({ givenUp }) => givenUp)).to.deep.equal([true, false])
    expect(attempts[1]?.address).to.equal(THERE)
    clock.advance(10_000)
    expect(attempts).to.have.length(2)
  })

  it('gives up for good when it is stopped', () => {
    const { clock, dialer, attempts } = makeDialer()
    dialer.dial()
    dialer.stop()
    expect(attempts[0]?.givenUp).to.equal(true)
    dialer.lost()
    dialer.dial()
    dialer.redirect(THERE)
    clock.advance(10_000)
    expect(attempts).to.have.length(1)
    expect(clock.waiting).to.equal(0)
  })
})
