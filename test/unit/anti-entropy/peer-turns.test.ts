import { expect } from 'chai'
import { PeerTurns } from '../../../server/anti-entropy/peer-turns.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'

const PEERS = ['b', 'c', 'd', 'e']
const turns = (seed = 1) => new PeerTurns({ random: new SeededRandom({ prng: new Prng(seed) }) })
const everyone = () => true

describe('PeerTurns', () => {
  it('gives everyone a turn in each round, in orders that the random port draws', () => {
    const orders = new Set<string>()
    const some = turns()
    for (let round = 0; round < 20; round++) {
      const order: string[] = []
      for (let i = 0; i < PEERS.length; i++) {
        const peer = some.next(PEERS, everyone) as string
        order.push(peer)
        expect(some.compared(peer)).to.equal(i === PEERS.length - 1)
      }
      expect([...order].sort()).to.deep.equal(PEERS)
      orders.add(order.join())
    }
    expect(orders.size).to.be.greaterThan(5)
  })

  it('does not end a round before whoever is out of reach is back, and goes on with the others', () => {
    const some = turns()
    let away = true
    const reachable = (id: string) => id !== 'c' || !away
    const ended: boolean[] = []
    for (let i = 0; i < 10; i++) {
      const peer = some.next(PEERS, reachable) as string
      expect(peer).to.not.equal('c')
      ended.push(some.compared(peer))
    }
    expect(ended).to.not.include(true)
    expect(some.lacking(reachable)).to.equal(false)
    away = false
    expect(some.lacking(reachable)).to.equal(true)
    expect(some.next(PEERS, reachable)).to.equal('c')
    expect(some.compared('c')).to.equal(true)
  })

  it('prefers whoever may have missed something', () => {
    const some = turns()
    for (const peer of ['d', 'b']) some.prefer(peer)
    expect(some.preferred(everyone)).to.equal(true)
    expect([some.next(PEERS, everyone), some.next(PEERS, everyone)]).to.deep.equal(['d', 'b'])
    expect(some.preferred(everyone)).to.equal(false)
  })

  it('tries another where one fails, and begins anew when it is told to', () => {
    const some = turns()
    const first = some.next(PEERS, everyone)
    expect(some.next(PEERS, everyone)).to.not.equal(first)
    const second = some.next(PEERS, everyone) as string
    some.compared(second)
    some.restart()
    expect(some.lacking(() => false)).to.equal(true)
    const seen = new Set(PEERS.map(() => some.next(PEERS, everyone)))
    expect(seen).to.include(second)
  })

  it('forgets who is no peer any more', () => {
    const some = turns()
    some.prefer('e')
    some.next(PEERS, everyone)
    expect(some.next(['b'], everyone)).to.equal('b')
    expect(some.compared('b')).to.equal(true)
    expect(some.next([], everyone)).to.equal(undefined)
  })
})
