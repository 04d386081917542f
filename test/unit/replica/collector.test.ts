import { expect } from 'chai'
import { Collector, type CollectorComponents } from '../../../server/replica/collector.ts'
import type { PromiseRequest } from '../../../server/rpc/collection-methods.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { ManualClock } from '../manual-clock.ts'
import { recordOf } from '../records.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'
import { settle } from './manual-storage.ts'

const KEY = keyFromText('k')
const SLOT = slotOf(KEY)
const MIN_AGE_MS = 5_000
const WORDS = Uint32Array.of(1, 2, 3)

/** The collector of `a`, the first owner of a slot that b and c own as well, in a ring with d. */
function setUp({ first = 'a', away = [] as string[] } = {}) {
  const clock = new ManualClock()
  const rpc = new RpcStub()
  const layout = { version: 1 }
  const own: string[] = []
  const deleted = recordOf('b.life.1', 9)
  const tombstone = {
    ...deleted,
    past: new Map([['x.gone.1', 4]]),
    siblings: deleted.siblings.map((sibling) => ({ ...sibling, value: null })),
  }
  const owners = first === 'a' ? ['a', 'b', 'c'] : ['b', 'a', 'c']
  const collector = new Collector(
    {
      clock,
      rpc,
      ring: {
        slots: () => ({ members: ['a', 'b', 'c', 'd'], owners: () => owners, isOwner: () => true }),
        layout: () => ({ ...layout }),
        reachable: (id: string) => !away.includes(id),
        clockTrusted: () => true,
      },
      hybrid: { wallMs: () => clock.wallMs() },
      data: { latest: () => tombstone },
      mortal: {
        size: 1,
        anyDead: (slot: number) => slot === SLOT,
        dead: async function* () {
          yield [KEY]
        },
      },
      server: {
        survey: () => ({ session: 1, write: 3, actors: 'a.life', counter: 30 }),
        promise: ({ slots }: PromiseRequest, reply: (error: undefined, answer: unknown) => void) => {
          own.push('promises')
          reply(undefined, { slots })
        },
        digests: (_request: unknown, reply: (error: undefined, answer: unknown) => void) =>
          reply(undefined, { words: WORDS }),
        collect: (_request: unknown, reply: (error: undefined) => void) => {
          own.push('collects')
          reply(undefined)
        },
      },
      policy: () => 'lww',
      counters: new Counters(),
      trace: silentTrace,
    } as unknown as CollectorComponents,
    { id: 'a', minAgeMs: MIN_AGE_MS },
  )
  collector.start()
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(Math.min(1_000, left))
      await settle()
    }
  }
  const asked = () => rpc.calls.map(({ to, method }) => `${to} ${method}`)
  const surveyed = async () => {
    await pass(1_000)
    expect(asked()).to.deep.equal(['b survey', 'c survey', 'd survey'])
    for (const id of ['b', 'c', 'd'])
      rpc.take(id).done(undefined, { session: 2, write: 5, actors: `${id}.life`, counter: 40 })
    await settle()
  }
  const promise = async (id: string, slots = [SLOT]) => {
    rpc.take(id).done(undefined, { slots })
    await settle()
  }
  const digest = async (id: string, words = WORDS) => {
    rpc.take(id).done(undefined, { words })
    await settle()
  }
  return { collector, layout, own, rpc, pass, surveyed, asked, promise, digest }
}

describe('Collector', () => {
  it('asks all members how far they are, and again after the age whether that has come to its end', async () => {
    const { rpc, pass, surveyed, asked } = setUp()
    await surveyed()
    await pass(MIN_AGE_MS - 1_000)
    expect(asked()).to.deep.equal([])
    await pass(1_000)
    expect(asked()).to.deep.equal(['b promise', 'c promise', 'd promise'])
    const request = rpc.take('b').request as PromiseRequest
    expect(request).to.deep.include({ layoutVersion: 1, session: 2, write: 5, slots: [SLOT] })
    // Of a node at work up to what it said, of one that is gone up to what it wrote.
    expect([...request.vector]).to.deep.equal([
      ['b.life.1', 40],
      ['x.gone.1', 4],
    ])
  })

  it('collects where all members have promised and all owners hold the same', async () => {
    const { own, pass, surveyed, asked, promise, digest } = setUp()
    await surveyed()
    await pass(MIN_AGE_MS)
    await promise('b')
    await promise('c')
    expect(asked()).to.deep.equal(['d promise'])
    await promise('d')
    expect(asked()).to.deep.equal(['b digests', 'c digests'])
    await digest('b')
    expect(own).to.deep.equal(['promises'])
    await digest('c')
    expect(asked()).to.deep.equal(['b collect', 'c collect'])
    expect(own).to.deep.equal(['promises', 'collects'])
  })

  it('leaves a slot that a member has not promised, be it no owner', async () => {
    const { collector, own, pass, surveyed, asked, promise } = setUp()
    await surveyed()
    await pass(MIN_AGE_MS)
    await promise('b')
    await promise('c')
    await promise('d', [])
    expect([asked(), own, collector.heldUp]).to.deep.equal([[], ['promises'], 1])
  })

  it('leaves a slot of which the owners hold different things', async () => {
    const { collector, own, pass, surveyed, asked, promise, digest } = setUp()
    await surveyed()
    await pass(MIN_AGE_MS)
    for (const id of ['b', 'c', 'd']) await promise(id)
    await digest('b')
    await digest('c', Uint32Array.of(1, 2, 4))
    expect([asked(), own, collector.heldUp]).to.deep.equal([[], ['promises'], 1])
  })

  it('begins anew where a member was started anew, and where the layout has changed', async () => {
    const { rpc, pass, surveyed, asked } = setUp()
    await surveyed()
    await pass(MIN_AGE_MS)
    rpc.take('b').done(new KvError('conflict', 'b was started anew'))
    await settle()
    rpc.calls.splice(0)
    await pass(1_000)
    expect(asked()).to.deep.equal(['b survey', 'c survey', 'd survey'])
    const other = setUp()
    await other.surveyed()
    other.layout.version = 2
    await other.pass(1_000)
    expect(other.asked()).to.deep.equal(['b survey', 'c survey', 'd survey'])
  })

  it('does nothing while a member is away, nor for slots of which another owner is the first', async () => {
    const lonely = setUp({ away: ['d'] })
    await lonely.pass(2 * MIN_AGE_MS)
    expect([lonely.asked(), lonely.collector.waitingFor]).to.deep.equal([[], 'd is out of reach'])
    const second = setUp({ first: 'b' })
    await second.surveyed()
    await second.pass(MIN_AGE_MS)
    expect(second.asked().filter((call) => call.endsWith('promise'))).to.deep.equal([])
  })
})
