import { expect } from 'chai'
import type { LayoutStore } from '../../../server/membership/layout-store.ts'
import type { PrepareRequest } from '../../../server/paxos/decree-methods.ts'
import { LayoutChange } from '../../../server/paxos/layout-change.ts'
import type { LayoutVoter } from '../../../server/paxos/layout-voter.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { ManualClock } from '../manual-clock.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

const LAYOUT = { version: 1, conflicts: 'lww', members: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }] }

describe('a change of the layout', () => {
  /** The first ballot of a process of n1. */
  function firstBallot(seed: number): PrepareRequest['ballot'] {
    const rpc = new RpcStub()
    const random = new SeededRandom({ prng: new Prng(seed, 'process') })
    const layouts = { layout: () => LAYOUT } as unknown as LayoutStore
    const voter = { prepare: () => undefined } as unknown as LayoutVoter
    const clock = new ManualClock()
    const change = new LayoutChange({ clock, random, rpc, trace: silentTrace, layouts, voter }, { id: 'n1' })
    void change.amend((layout) => ({ ...layout, conflicts: 'siblings' }))
    return (rpc.take('n2').request as PrepareRequest).ballot
  }

  it('has ballots of its own in every run of a process, which does not know those of the one before', () => {
    const [first, second] = [firstBallot(1), firstBallot(2)]
    expect([first.round, second.round]).to.deep.equal([1, 1])
    expect(first.proposer).to.match(/^n1\.[0-9a-f]{16}$/)
    expect(second.proposer).to.not.equal(first.proposer)
  })
})
