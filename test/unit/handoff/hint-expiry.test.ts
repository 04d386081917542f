import { expect } from 'chai'
import { HintExpiry } from '../../../server/handoff/hint-expiry.ts'
import { HintStore } from '../../../server/handoff/hint-store.ts'
import type { Holder } from '../../../server/handoff/holder.ts'
import type { RepairMarks } from '../../../server/handoff/repair-marks.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import type { Minter } from '../../../server/replica/minter.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { ManualClock } from '../manual-clock.ts'
import { readyClock } from '../ready-clock.ts'
import { recordOf } from '../records.ts'
import { ManualStorage, settle } from '../replica/manual-storage.ts'
import { RpcStub } from '../rpc-stub.ts'
import { silentTrace } from '../silent-trace.ts'

/** Of the most hints that are looked at in a round, and one more. */
const MANY = 65
const keys = Array.from({ length: MANY }, (_, i) => keyFromText(`k${i}`))
const last = keys[MANY - 1] as Key

/** Node d keeps hints for b; the owners are a, b and c, but for the last key a, b and e. */
async function setUp() {
  const storage = new ManualStorage()
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const minter = { forgetHint: () => undefined } as unknown as Minter
  const hints = new HintStore({ storage, commit, minter, trace: silentTrace }, { maxBytes: 1e6 })
  const clock = new ManualClock()
  const madeMs = clock.wallMs()
  for (const [i, key] of keys.entries())
    hints.records('b').stage(key, recordOf('a', i + 1, madeMs), () => undefined)
  await settle()
  await storage.land()
  const rpc = new RpcStub()
  const reach = new Set(['a', 'e'])
  const owners = (slot: number) => (slot === slotOf(last) ? ['a', 'b', 'e'] : ['a', 'b', 'c'])
  const ring = {
    reachable: (id: string) => reach.has(id),
    slots: () => ({ members: ['a', 'b', 'c', 'e'], owners }),
  }
  const marked: number[] = []
  const marks = { mark: (slot: number) => marked.push(slot) } as unknown as RepairMarks
  const holder = {} as Holder
  const counters = new Counters()
  const components = { clock, rpc, ring, hints, holder, marks, counters, trace: silentTrace }
  const expiry = new HintExpiry(components, { id: 'd', maxAgeMs: 10_000 })
  expiry.start()
  return { storage, hints, clock, rpc, reach, marked }
}

describe('HintExpiry', () => {
  it('leaves alone what is not too old, and what can be delivered', async () => {
    const { clock, rpc, reach } = await setUp()
    clock.advance(9_000)
    reach.add('b').add('c')
    clock.advance(60_000)
    expect(rpc.calls).to.deep.equal([])
  })

  it('gives up a hint that the other owners have, though others before it have to stay', async () => {
    const { storage, hints, clock, rpc, marked } = await setUp()
    clock.advance(13_000)
    expect(rpc.calls.map(({ to, request }) => [to, (request as { key: Key }).key])).to.deep.equal([
      ['a', last],
      ['e', last],
    ])
    rpc.take('a').done(undefined, { outrankedBy: undefined })
    expect([hints.count, marked]).to.deep.equal([MANY, []])
    rpc.take('e').done(undefined, { outrankedBy: undefined })
    await settle()
    await storage.land()
    expect([hints.count, marked]).to.deep.equal([MANY - 1, [slotOf(last)]])
  })

  it('keeps a hint that an owner did not take, and one that has grown meanwhile', async () => {
    const { hints, clock, rpc, marked } = await setUp()
    clock.advance(13_000)
    rpc.take('a').done(undefined, { outrankedBy: undefined })
    rpc.take('e').done(new KvError('outcome_unknown', 'lost'))
    clock.advance(3_000)
    hints.records('b').stage(last, recordOf('a', 500), () => undefined)
    rpc.take('a').done(undefined, { outrankedBy: undefined })
    rpc.take('e').done(undefined, { outrankedBy: undefined })
    expect([hints.count, marked]).to.deep.equal([MANY, []])
  })
})
