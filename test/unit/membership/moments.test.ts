import { expect } from 'chai'
import { Moments } from '../../../server/membership/moments.ts'
import type { Peer } from '../../../server/membership/peer-table.ts'
import type { Random } from '../../../server/ports/random.ts'
import { ManualClock } from '../manual-clock.ts'

describe('Moments', () => {
  const clock = new ManualClock()
  clock.advance(5_000)
  const heard = { moment: { session: 3, ms: 100 }, heardMs: 4_000 } as Peer
  const silent = { moment: undefined, heardMs: 4_000 } as Peer
  const peers = new Map([
    ['a', heard],
    ['b', silent],
  ])
  const random = { u32: () => 77 } as Random
  const moments = new Moments({ clock, random, peer: (id) => peers.get(id) })

  it('reads the clock of this process, under its session', () => {
    expect(moments.now()).to.deep.equal({ session: 77, ms: 5_000 })
  })

  it('moves on what a peer has said by the time since then', () => {
    expect(moments.of('a')).to.deep.equal({ session: 3, ms: 1_100 })
    clock.advance(50)
    expect(moments.of('a')).to.deep.equal({ session: 3, ms: 1_150 })
  })

  it('knows nothing of a peer that has not been heard', () => {
    expect(moments.of('b')).to.equal(undefined)
    expect(moments.of('c')).to.equal(undefined)
  })
})
