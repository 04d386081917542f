import { expect } from 'chai'
import type { FetchReply } from '../../../server/coordinator/holders.ts'
import {
  WriteCoordinator,
  type WriteCoordinatorComponents,
} from '../../../server/coordinator/write-coordinator.ts'
import { Deadlines } from '../../../server/rpc/deadlines.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'
import { encodedOf } from '../records.ts'
import { RpcStub } from '../rpc-stub.ts'

const KEY = keyFromText('k')

/** An attempt at a write that this node, `a`, coordinates: what it absorbs before it begins to write. */
function attemptAt(attempt: number, w: number, owners = ['a', 'b', 'c']) {
  const clock = new ManualClock()
  const asked = new Map<string, FetchReply>()
  const steps: string[] = []
  const components = {
    clock,
    rpc: new RpcStub(),
    ring: {
      reachable: () => true,
      clockTrusted: () => true,
      hintHolders: () => [],
      mayHoldHintsElsewhere: () => false,
    },
    holders: {
      fetch: (node: string, _key: unknown, _onFloor: boolean, _timeoutMs: number, done: FetchReply) =>
        void asked.set(node, done),
    },
    replica: {
      absorb: (_data: unknown, _key: unknown, { siblings }: { siblings: { dot: { actor: string } }[] }) =>
        void steps.push(`absorbs ${siblings.map(({ dot }) => dot.actor)}`),
      write: () => {
        steps.push('writes')
        throw new KvError('storage_failed', 'no further')
      },
    },
    deadlines: new Deadlines(clock),
    latency: { ms: 5_000, observe: () => undefined },
    repair: { mend: () => undefined },
    counters: new Counters(),
    complete: () => true,
    writes: { begin: () => 1, end: () => undefined },
    hints: { records: () => ({}), refusal: () => undefined },
    serving: () => ({
      layout: { n: 3, conflicts: 'lww', former: [] },
      slots: {
        owners: () => owners,
        preference: () => [...owners, 'd', 'e'],
        isOwner: (_slot: number, id: string) => owners.includes(id),
      },
    }),
  } as unknown as WriteCoordinatorComponents
  const coordinator = new WriteCoordinator(components, { id: 'a', maxValueBytes: 100 })
  const request = { key: KEY, value: Buffer.from('v'), w, ttlMs: 0, context: undefined, strict: false }
  coordinator.coordinate({ ...request, request: 'q', attempt, timeoutMs: 2_000 }, () => undefined)
  const reply = (node: string) =>
    asked.get(node)?.(undefined, {
      bytes: encodedOf(KEY, `of ${node}`, 1),
      floor: 0,
      complete: true,
      wallMs: 0,
    })
  return { clock, asked, steps, reply }
}

describe('a write that is attempted again', () => {
  it('builds on what as many owners hold as meet every one that has acknowledged a write', () => {
    const { asked, steps, reply } = attemptAt(1, 2)
    expect([...asked.keys()].sort()).to.deep.equal(['a', 'b'])
    reply('a')
    expect(steps).to.deep.equal([])
    reply('b')
    expect(steps).to.deep.equal(['absorbs of a,of b', 'writes'])
  })

  it('asks all of them where w is one, and one where w is all', () => {
    expect([...attemptAt(1, 1).asked.keys()].sort()).to.deep.equal(['a', 'b', 'c'])
    expect([...attemptAt(1, 3).asked.keys()]).to.deep.equal(['a'])
  })

  it('goes on after half of the time without those that do not answer', () => {
    const { clock, steps } = attemptAt(1, 2)
    clock.advance(990)
    expect(steps).to.deep.equal([])
    clock.advance(50)
    expect(steps).to.deep.equal(['writes'])
  })

  it('takes nothing for its own data where this node is no owner', () => {
    const { steps, reply } = attemptAt(1, 2, ['b', 'c', 'd'])
    // Its own hints are looked at as well.
    for (const node of ['a', 'b', 'c']) reply(node)
    expect(steps).to.deep.equal(['writes'])
  })

  it('asks nobody the first time', () => {
    const { asked, steps } = attemptAt(0, 2)
    expect([asked.size, steps]).to.deep.equal([0, ['writes']])
  })
})
