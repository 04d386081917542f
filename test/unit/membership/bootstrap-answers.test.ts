import { expect } from 'chai'
import { Bootstrap, type BootstrapComponents, SETTLE_MS } from '../../../server/membership/bootstrap.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import type { Proposal, VoteAnswer } from '../../../server/membership/vote.ts'
import { ManualClock } from '../manual-clock.ts'
import { settle } from '../replica/manual-storage.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

const YES: VoteAnswer = { answer: 'yes', holder: '', layout: undefined }
const DECLINED: VoteAnswer = { answer: 'declined', holder: '', layout: undefined }

/** The bootstrap of `a`, which founds a ring with b and c. */
function setUp() {
  const clock = new ManualClock()
  const rpc = new RpcStub()
  const adopted: Layout[] = []
  let rings = 0
  const bootstrap = new Bootstrap(
    {
      clock,
      rpc,
      random: { below: () => 0, bytes: () => Buffer.from(`ring ${++rings}`) },
      storage: { get: () => undefined, commit: () => Promise.resolve() },
      trace: silentTrace,
      layouts: {
        busy: () => false,
        layout: () => undefined,
        adopt: (layout: Layout) => Promise.resolve(void adopted.push(layout)),
      },
      founders: {
        unattached: () => ['b', 'c'].map((id) => ({ id, zone: '', weight: 1 })),
        reachable: () => true,
        ringKnown: () => false,
        sawRing: () => undefined,
      },
    } as unknown as BootstrapComponents,
    {
      id: 'a',
      cluster: 'local',
      incarnation: 'of-a',
      zone: '',
      weight: 1,
      bootstrapExpect: 3,
      n: 3,
      r: 2,
      w: 2,
      conflicts: 'lww',
    },
  )
  bootstrap.start()
  const tick = async (ms = 0) => {
    clock.advance(ms)
    bootstrap.tick()
    await settle()
  }
  const answer = async (to: string, given: VoteAnswer) => {
    const call = rpc.take(to)
    call.done(undefined, given)
    await settle()
    return (call.request as Proposal).layout.ringId
  }
  return { rpc, adopted, tick, answer }
}

describe('the answers to a proposal', () => {
  it('make it the layout when all of its members have voted for it, and not before', async () => {
    const { adopted, tick, answer } = setUp()
    await tick(SETTLE_MS)
    await tick()
    await answer('b', YES)
    expect(adopted).to.have.length(0)
    const ringId = await answer('c', YES)
    expect(adopted.map((layout) => layout.ringId)).to.deep.equal([ringId])
  })

  it('do not count for the next one, when it has been withdrawn meanwhile', async () => {
    const { rpc, adopted, tick, answer } = setUp()
    await tick(SETTLE_MS)
    await tick()
    const late = rpc.take('b')
    const first = await answer('c', DECLINED)
    await tick(60_000)
    await tick()
    late.done(undefined, YES)
    const second = await answer('c', YES)
    expect(second).to.not.equal(first)
    expect(adopted).to.have.length(0)
    await answer('b', YES)
    expect(adopted.map((layout) => layout.ringId)).to.deep.equal([second])
  })
})
