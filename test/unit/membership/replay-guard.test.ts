import { expect } from 'chai'
import type { Beacon } from '../../../server/membership/beacon.ts'
import { ReplayGuard } from '../../../server/membership/replay-guard.ts'

const NOW = 1_767_225_600_000

function beacon(wallMs: number, sequence: number, id = 'n1', incarnation = 'i'): Beacon {
  const peer = { host: 'h', port: 1 }
  const rest = { cluster: 'c', peer, http: '', zone: '', weight: 1, layoutVersion: 0, ringId: '' }
  return { ...rest, id, incarnation, wallMs, sequence }
}

describe('replay guard', () => {
  it('accepts each beacon once, and none that is older than the last', () => {
    const guard = new ReplayGuard({ maxSkewMs: 60_000 })
    expect(guard.admit(beacon(NOW, 0), NOW)).to.equal('fresh')
    expect(guard.admit(beacon(NOW, 0), NOW)).to.equal('replayed')
    expect(guard.admit(beacon(NOW, 1), NOW)).to.equal('fresh')
    expect(guard.admit(beacon(NOW + 500, 0), NOW)).to.equal('fresh')
    expect(guard.admit(beacon(NOW + 499, 9), NOW)).to.equal('replayed')
  })

  it('keeps nodes and incarnations apart', () => {
    const guard = new ReplayGuard({ maxSkewMs: 60_000 })
    expect(guard.admit(beacon(NOW, 5), NOW)).to.equal('fresh')
    expect(guard.admit(beacon(NOW - 10, 0, 'n2'), NOW)).to.equal('fresh')
    expect(guard.admit(beacon(NOW - 10, 0, 'n1', 'j'), NOW)).to.equal('fresh')
  })

  it('refuses what is further from this clock than the skew, either way', () => {
    const guard = new ReplayGuard({ maxSkewMs: 60_000 })
    expect(guard.admit(beacon(NOW + 60_001, 0), NOW)).to.equal('skewed')
    expect(guard.admit(beacon(NOW - 60_001, 0), NOW)).to.equal('skewed')
    expect(guard.admit(beacon(NOW - 60_000, 0), NOW)).to.equal('fresh')
  })

  it('refuses a recorded beacon later on, even when it has forgotten the sender', () => {
    const recorded = beacon(NOW, 0)
    const guard = new ReplayGuard({ maxSkewMs: 60_000 })
    guard.admit(recorded, NOW)
    for (let i = 0; i < 5000; i++) guard.admit(beacon(NOW, 0, `x${i}`), NOW)
    expect(guard.admit(recorded, NOW + 60_001)).to.equal('skewed')
  })
})
