import { expect } from 'chai'
import type { Burial } from '../../../server/replica/burial.ts'
import {
  CollectionServer,
  type CollectionServerComponents,
} from '../../../server/replica/collection-server.ts'
import { Floors } from '../../../server/replica/floors.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { WritesUnderWay } from '../../../server/replica/writes-under-way.ts'
import type { PromiseRequest } from '../../../server/rpc/collection-methods.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { ManualStorage, settle } from './manual-storage.ts'

const LAYOUT = 3
const SESSION = 77
/** A slot of other owners. */
const FOREIGN = 9
const VECTOR = new Map([['b.1', 5]])
const COLLECT = { round: 'r', layoutVersion: LAYOUT, expiredMs: 8 }

function setUp() {
  const storage = new ManualStorage()
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const floors = new Floors({ storage, commit, trace: silentTrace })
  const writes = new WritesUnderWay()
  const buried: number[] = []
  const outstanding = new Set<number>()
  const records = new Map<number, number>()
  const components = {
    ring: {
      layout: () => ({ version: LAYOUT, conflicts: 'lww' }),
      slots: () => ({ isOwner: (slot: number) => slot !== FOREIGN }),
      moments: { now: () => ({ session: SESSION }) },
    },
    commit,
    minter: { actors: 'a.life', counter: 9 },
    writes,
    floors,
    burial: { bury: async (slots: Iterable<number>) => void buried.push(...slots) } as unknown as Burial,
    outstanding: (slot: number) => outstanding.has(slot),
    digest: (slot: number) => Uint32Array.of(slot, 0, records.get(slot) ?? 1),
  } as unknown as CollectionServerComponents
  const server = new CollectionServer(components, { id: 'a' })
  const promise = (change: Partial<PromiseRequest> = {}) => {
    const request = { round: 'r', layoutVersion: LAYOUT, session: SESSION, write: 0, vector: VECTOR }
    let outcome: unknown
    server.promise({ ...request, slots: [1, 2], ...change }, (error, answer) => {
      outcome = error?.code ?? answer?.slots
    })
    return outcome
  }
  const digests = (round: string, slots: number[]) => {
    const outcomes: unknown[] = []
    server.digests({ round, slots }, (error, answer) =>
      outcomes.push(error?.code ?? [...(answer?.words ?? [])]),
    )
    return outcomes
  }
  return { storage, commit, floors, writes, buried, outstanding, records, server, promise, digests }
}

describe('CollectionServer', () => {
  it('promises slots for which nothing waits here, and no others', () => {
    const { promise, outstanding, floors } = setUp()
    outstanding.add(2)
    expect(promise()).to.deep.equal([1])
    expect([floors.holds(1, 'r'), floors.holds(2, 'r')]).to.deep.equal([true, false])
    expect(floors.promised(1)).to.equal(VECTOR)
  })

  it('promises nothing while a write that had begun by then is under way', () => {
    const { promise, writes, floors, server } = setUp()
    const first = writes.begin()
    const { write, counter, session } = server.survey()
    expect([write, counter, session]).to.deep.equal([first, 9, SESSION])
    const second = writes.begin()
    expect(promise({ write })).to.equal('overloaded')
    expect(floors.holds(1, 'r')).to.equal(false)
    writes.end(first)
    expect(promise({ write })).to.deep.equal([1, 2])
    expect(promise({ write: second })).to.equal('overloaded')
  })

  it('knows nothing of what it said before its restart, or in another layout', () => {
    const { promise, floors } = setUp()
    expect(promise({ session: SESSION + 1 })).to.equal('conflict')
    expect(promise({ layoutVersion: LAYOUT + 1 })).to.equal('conflict')
    expect(floors.guarding).to.equal(false)
  })

  it('says what it holds of slots that are promised to the round, when that is durable', async () => {
    const { storage, commit, promise, digests } = setUp()
    promise()
    promise({ round: 'of somebody else', slots: [2] })
    expect(digests('r', [1, 2])).to.deep.equal(['conflict'])
    commit.add({ type: 'put', key: Buffer.from('d'), value: Buffer.from('v') })
    const outcomes = digests('r', [1])
    await settle()
    expect(outcomes).to.deep.equal([])
    await storage.land()
    expect(outcomes).to.deep.equal([[1, 0, 1]])
  })

  it('raises the floors of slots that are promised to the round, and answers when they are durable', async () => {
    const { storage, floors, buried, promise, digests, server } = setUp()
    promise()
    digests('r', [1, 2])
    promise({ round: 'of somebody else', slots: [2] })
    let done = false
    server.collect({ ...COLLECT, slots: [1, 2] }, (error) => {
      done = error === undefined
    })
    await settle()
    expect([done, buried]).to.deep.equal([false, [1]])
    await storage.land()
    expect(done).to.equal(true)
    expect(floors.of(1)).to.deep.equal({ vector: VECTOR, expiredMs: 8, layoutVersion: LAYOUT, policy: 'lww' })
    expect([...floors.slots()]).to.deep.equal([1])
  })

  it('raises no floor over what was lost here after the promise', () => {
    const { floors, buried, promise, digests, server } = setUp()
    promise()
    digests('r', [1, 2])
    floors.forget(1)
    server.collect({ ...COLLECT, slots: [1, 2] }, () => undefined)
    expect([[...floors.slots()], buried]).to.deep.equal([[2], [2]])
  })

  it('raises no floor of a slot in which it holds something else than it said, or said nothing', () => {
    const { floors, buried, promise, digests, records, server } = setUp()
    promise({ slots: [1, 2, 3] })
    digests('r', [1, 2])
    records.set(1, 2)
    server.collect({ ...COLLECT, slots: [1, 2, 3] }, () => undefined)
    expect([[...floors.slots()], buried]).to.deep.equal([[2], [2]])
  })

  it('raises no floor that was agreed on under another layout: its policy may be another', () => {
    const { floors, buried, promise, digests, server } = setUp()
    promise()
    digests('r', [1])
    let code: string | undefined
    server.collect({ ...COLLECT, layoutVersion: LAYOUT - 1, slots: [1] }, (error) => {
      code = error?.code
    })
    expect([code, [...floors.slots()], buried]).to.deep.equal(['conflict', [], []])
  })

  it('raises no floor of a slot that it does not own: nothing that it lacks there was deleted', () => {
    const { floors, buried, promise, digests, server } = setUp()
    expect(promise({ slots: [1, FOREIGN] })).to.deep.equal([1, FOREIGN])
    digests('r', [1, FOREIGN])
    server.collect({ ...COLLECT, slots: [1, FOREIGN] }, () => undefined)
    expect([[...floors.slots()], buried]).to.deep.equal([[1], [1]])
    // It keeps its promise all the same: no hint may bring what was settled.
    expect(floors.promised(FOREIGN)).to.equal(VECTOR)
  })
})
