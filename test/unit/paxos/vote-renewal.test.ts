import { expect } from 'chai'
import type { Layout } from '../../../server/membership/layout.ts'
import { VoteRenewal, type VoteRenewalComponents } from '../../../server/paxos/vote-renewal.ts'
import { KvError } from '../../../shared/errors.ts'
import { silentTrace } from '../silent-trace.ts'

/** Node n1 in a ring of five, in layout 4; it may vote on the layouts from `firstVote` on. */
function setUp({ firstVote = 6, fails = false } = {}) {
  const members = ['n1', 'n2', 'n3', 'n4', 'n5'].map((id) => ({ id }))
  const away = new Set<string>()
  const state = {
    nowMs: 0,
    layout: { version: 4, members } as unknown as Layout,
    renewals: [] as number[],
    fails,
  }
  const renewal = new VoteRenewal(
    {
      clock: { monotonicMs: () => state.nowMs },
      trace: silentTrace,
      layouts: { layout: () => state.layout, mayVoteOn: (version: number) => version >= firstVote },
      change: {
        renew: async (layout: Layout) => {
          state.renewals.push(state.nowMs)
          if (state.fails) throw new KvError('no_quorum', 'nobody answers')
          state.layout = { ...layout, version: layout.version + 1 }
          return state.layout
        },
      },
      members: () => [...members, { id: 'stranger' }].map(({ id }) => ({ id, reachable: !away.has(id) })),
    } as unknown as VoteRenewalComponents,
    { id: 'n1' },
  )
  const pass = async (ms: number) => {
    for (const endMs = state.nowMs + ms; state.nowMs < endMs; ) {
      state.nowMs += 200
      renewal.round()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { state, away, pass }
}

describe('the renewal of a vote', () => {
  it('puts numbers on the layout until the node has a say in the next, and then no more', async () => {
    const { state, pass } = setUp({ firstVote: 7 })
    await pass(60_000)
    expect(state.renewals).to.deep.equal([5_000, 10_000])
    expect(state.layout.version).to.equal(6)
  })

  it('is not for a node that has a say, nor for one that is no member', async () => {
    const member = setUp({ firstVote: 5 })
    await member.pass(20_000)
    expect(member.state.renewals).to.deep.equal([])
    const removed = setUp()
    removed.state.layout = { ...removed.state.layout, members: removed.state.layout.members.slice(1) }
    await removed.pass(20_000)
    expect(removed.state.renewals).to.deep.equal([])
  })

  it('waits for a majority without this node to be in reach', async () => {
    const { state, away, pass } = setUp()
    for (const id of ['n4', 'n5']) away.add(id)
    await pass(20_000)
    expect(state.renewals).to.deep.equal([])
    away.delete('n4')
    await pass(10_000)
    expect(state.renewals).to.have.length(1)
  })

  it('is tried again where it fails, less and less often, up to once a minute', async () => {
    const { state, pass } = setUp({ fails: true })
    await pass(400_000)
    const pauses = state.renewals.slice(1).map((ms, i) => ms - (state.renewals[i] as number))
    expect(pauses.slice(0, 5)).to.deep.equal([5_000, 10_000, 20_000, 40_000, 60_000])
    expect(new Set(pauses.slice(4))).to.deep.equal(new Set([60_000]))
    state.fails = false
    await pass(60_000)
    expect(state.layout.version).to.equal(5)
  })
})
