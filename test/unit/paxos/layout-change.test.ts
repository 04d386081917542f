import { expect } from 'chai'
import type { Layout } from '../../../server/membership/layout.ts'
import type { LayoutStore } from '../../../server/membership/layout-store.ts'
import type { PrepareRequest } from '../../../server/paxos/decree-methods.ts'
import { CHANGE_TIMEOUT_MS, LayoutChange } from '../../../server/paxos/layout-change.ts'
import type { LayoutVoter } from '../../../server/paxos/layout-voter.ts'
import { KvError } from '../../../shared/errors.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { ManualClock } from '../manual-clock.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

const LAYOUT = { version: 1, conflicts: 'lww', members: [{ id: 'n1' }, { id: 'n2' }, { id: 'n3' }] }

describe('a change of the layout', () => {
  /** A process of n1, whose own vote is heard when the test says so. */
  function processOf(seed: number) {
    const rpc = new RpcStub()
    const random = new SeededRandom({ prng: new Prng(seed, 'process') })
    const layouts = { layout: () => LAYOUT } as unknown as LayoutStore
    const voter = {
      answer: (_error: KvError): void => undefined,
      prepare: (_request: PrepareRequest, reply: (error: KvError) => void) => {
        voter.answer = reply
      },
    }
    const clock = new ManualClock()
    const components = {
      clock,
      random,
      rpc,
      trace: silentTrace,
      layouts,
      voter: voter as unknown as LayoutVoter,
    }
    const change = new LayoutChange(components, { id: 'n1' })
    const toSiblings = () => change.amend((layout) => ({ ...layout, conflicts: 'siblings' }))
    return { rpc, clock, voter, change, toSiblings }
  }

  function firstBallot(seed: number): PrepareRequest['ballot'] {
    const { rpc, toSiblings } = processOf(seed)
    void toSiblings()
    return (rpc.take('n2').request as PrepareRequest).ballot
  }

  it('has ballots of its own in every run of a process, which does not know those of the one before', () => {
    const [first, second] = [firstBallot(1), firstBallot(2)]
    expect([first.round, second.round]).to.deep.equal([1, 1])
    expect(first.proposer).to.match(/^n1\.[0-9a-f]{16}$/)
    expect(second.proposer).to.not.equal(first.proposer)
  })

  it('is refused while another is under way, but waits for one that only renews the number', async () => {
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    const { rpc, clock, voter, change, toSiblings } = processOf(1)
    const renewed = change.renew(LAYOUT as unknown as Layout).catch((error) => error.code)
    const changed = toSiblings().catch((error) => error.code)
    await turn()
    expect(rpc.calls.map(({ to, method }) => `${method} to ${to}`)).to.deep.equal([
      'decree-prepare to n2',
      'decree-prepare to n3',
    ])
    const nobody = new KvError('unreachable', 'gone')
    clock.jump(CHANGE_TIMEOUT_MS)
    for (const { done } of rpc.calls.splice(0)) done(nobody)
    voter.answer(nobody)
    expect(await renewed).to.equal('no_quorum')
    await turn()
    expect(
      rpc.calls.map(({ to }) => to),
      'the change that has waited',
    ).to.deep.equal(['n2', 'n3'])
    expect(await toSiblings().catch((error) => error.code)).to.equal('conflict')
    clock.jump(CHANGE_TIMEOUT_MS)
    for (const { done } of rpc.calls.splice(0)) done(nobody)
    voter.answer(nobody)
    expect(await changed).to.equal('no_quorum')
  })
})
