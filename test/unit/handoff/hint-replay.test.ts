import { expect } from 'chai'
import { HintReplay } from '../../../server/handoff/hint-replay.ts'
import { HintStore } from '../../../server/handoff/hint-store.ts'
import type { Holder } from '../../../server/handoff/holder.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import type { Minter } from '../../../server/replica/minter.ts'
import { KvError } from '../../../shared/errors.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'
import { readyClock } from '../ready-clock.ts'
import { encodedOf, recordOf } from '../records.ts'
import { ManualStorage, settle } from '../replica/manual-storage.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

const keys = (count: number): Key[] => Array.from({ length: count }, (_, i) => keyFromText(`k${i}`))

async function setUp(count: number, owners: string[] = []) {
  const storage = new ManualStorage()
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const minter = { forgetHint: () => undefined } as unknown as Minter
  const hints = new HintStore({ storage, commit, minter, trace: silentTrace }, { maxBytes: 1e6 })
  for (const [i, key] of keys(count).entries())
    hints.records('b').stage(key, recordOf('a', i + 1), () => undefined)
  await settle()
  await storage.land()
  const clock = new ManualClock()
  const rpc = new RpcStub()
  const reach = new Set(['b'])
  const members = ['a', 'b', 'c', 'd', 'e']
  const slots = () => ({ members, owners: () => owners })
  const ring = { reachable: (id: string) => reach.has(id), slots }
  const kept: { hintFor: string; key: Key; done: (error?: KvError) => void }[] = []
  const store: Holder['store'] = (key, hintFor, _bytes, _origin, done) => kept.push({ key, hintFor, done })
  const holder = { store } as unknown as Holder
  const replay = new HintReplay({ clock, rpc, hints, holder, ring, trace: silentTrace }, { id: 'a' })
  replay.start()
  return { storage, hints, clock, rpc, reach, replay, members, kept }
}

describe('HintReplay', () => {
  it('deletes a hint only after its owner has answered', async () => {
    const { storage, hints, clock, rpc, replay } = await setUp(1)
    clock.advance(1_000)
    expect(hints.count).to.equal(1)
    const call = rpc.take('b')
    expect(call.request).to.deep.equal({
      key: 'k0',
      hintFor: '',
      fresh: false,
      bytes: encodedOf(keyFromText('k0'), 'a', 1),
    })
    call.done(undefined, { outrankedBy: undefined })
    await settle()
    await storage.land()
    expect([hints.count, replay.total]).to.deep.equal([0, 1])
  })

  it('keeps a hint whose owner did not answer, and sends it again later', async () => {
    const { hints, clock, rpc } = await setUp(1)
    clock.advance(1_000)
    rpc.take('b').done(new KvError('outcome_unknown', 'lost'))
    expect(hints.count).to.equal(1)
    expect(rpc.calls, 'not in the same round').to.have.length(0)
    clock.advance(1_000)
    rpc.take('b')
  })

  it('sends nothing to an owner out of reach', async () => {
    const { clock, rpc, reach } = await setUp(1)
    reach.delete('b')
    clock.advance(5_000)
    expect(rpc.calls).to.have.length(0)
    reach.add('b')
    clock.advance(1_000)
    rpc.take('b')
  })

  it('hands what was for a node that is gone to all owners, and keeps it for those out of reach', async () => {
    const { storage, hints, clock, rpc, reach, members, kept } = await setUp(1, ['a', 'c', 'd'])
    members.splice(members.indexOf('b'), 1)
    reach.delete('b')
    reach.add('c')
    clock.advance(1_000)
    expect(kept.map(({ hintFor }) => hintFor)).to.deep.equal(['', 'd'])
    const { request, done } = rpc.take('c')
    expect(request).to.deep.include({ key: 'k0', hintFor: '', fresh: false })
    for (const one of kept) one.done()
    await settle()
    expect(hints.count, 'one owner has not answered').to.equal(1)
    done(undefined, { outrankedBy: undefined, complete: true })
    await settle()
    await storage.land()
    expect(hints.count).to.equal(0)
  })

  it('keeps what was for a node that is gone where one of the owners has not taken it', async () => {
    const { hints, clock, rpc, reach, members, kept } = await setUp(1, ['a', 'c'])
    members.splice(members.indexOf('b'), 1)
    reach.add('c')
    clock.advance(1_000)
    rpc.take('c').done(new KvError('outcome_unknown', 'lost'))
    kept[0]?.done()
    await settle()
    expect(hints.count).to.equal(1)
    clock.advance(1_000)
    rpc.take('c')
  })

  it('has a bounded number on their way, oldest first, each of them once', async () => {
    const { clock, rpc } = await setUp(200)
    clock.advance(5_000)
    expect(rpc.calls).to.have.length(64)
    const sent = rpc.calls.map((call) => (call.request as { key: Key }).key)
    expect(sent).to.deep.equal(keys(64))
    rpc.take('b').done(undefined, { outrankedBy: undefined })
    const last = rpc.calls.at(-1)?.request
    expect(last).to.have.property('key', 'k64')
    expect(rpc.calls).to.have.length(64)
  })

  it('begins at once when it is asked to, also with an owner that has just refused', async () => {
    const { clock, rpc, reach, replay } = await setUp(1)
    expect(replay.begin('c')).to.deep.equal([])
    expect(rpc.calls).to.deep.equal([])
    clock.advance(500)
    rpc.take('b').done(new KvError('outcome_unknown', 'lost'))
    expect(replay.begin('b')).to.deep.equal([{ target: 'b', count: 1, sending: true }])
    rpc.take('b').done(new KvError('outcome_unknown', 'lost'))
    reach.delete('b')
    expect(replay.begin()).to.deep.equal([{ target: 'b', count: 1, sending: false }])
    expect(rpc.calls).to.deep.equal([])
  })

  it('stops when it is told to', async () => {
    const { clock, rpc, replay } = await setUp(1)
    replay.stop()
    clock.advance(5_000)
    expect([rpc.calls.length, clock.waiting]).to.deep.equal([0, 0])
  })
})
