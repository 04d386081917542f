import { expect } from 'chai'
import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { decodeRecord, encodeRecord } from '../../../server/causality/record-codec.ts'
import { Holder, type HolderComponents } from '../../../server/handoff/holder.ts'
import type { Rpc } from '../../../server/rpc/method.ts'
import { STORE } from '../../../server/rpc/replica-methods.ts'
import { STORE_GROUP } from '../../../server/rpc/store-group-method.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { ManualClock } from '../manual-clock.ts'
import { recordOf } from '../records.ts'

const KEY = keyFromText('k')
const SLOT = slotOf(KEY)

function setUp({ held = EMPTY_RECORD, hinted = [] as KeyRecord[], full = false, complete = true } = {}) {
  const clock = new ManualClock()
  const hybrid = new HybridClock(clock, { maxSkewMs: 60_000 })
  const marked: number[] = []
  const stored: string[] = []
  const origins: string[] = []
  const uses: string[] = []
  const floors = { count: 0, floor: { vector: new Map<string, number>(), expiredMs: 0 } }
  const holder = new Holder({
    data: {
      durable: (_key: unknown, use: string) => {
        uses.push(use)
        return held
      },
      encode: (key: typeof KEY, record: KeyRecord) => encodeRecord(key, record),
    },
    hints: {
      count: hinted.length,
      of: () => hinted,
      refusal: () => (full ? new KvError('overloaded', 'no room') : undefined),
      records: (owner: string) => owner,
    },
    replica: {
      store: (records: unknown, _key: unknown, _bytes: unknown, origin: string) => {
        stored.push(typeof records === 'string' ? records : 'data')
        origins.push(origin)
      },
    },
    floors: {
      get count() {
        return floors.count
      },
      of: () => floors.floor,
      digest: () => floors.count,
    },
    hybrid,
    marks: { mark: (slot: number) => marked.push(slot) },
    counters: new Counters(),
    completeness: { everywhere: complete, of: () => complete },
  } as unknown as HolderComponents)
  const fetch = (onFloor = false, wallMs = 0, once = false) => {
    const answer = holder.fetch({ key: KEY, onFloor, once, wallMs })
    const record = answer.bytes.length === 0 ? EMPTY_RECORD : decodeRecord(KEY, answer.bytes)
    return { ...answer, record, dots: record.siblings.map(({ dot }) => `${dot.actor}${dot.counter}`) }
  }
  return { clock, hybrid, marked, stored, origins, uses, floors, holder, fetch }
}

describe('Holder', () => {
  it('says what data and hints hold together', () => {
    const { fetch } = setUp({ held: recordOf('a', 1), hinted: [recordOf('b', 1), recordOf('c', 1)] })
    expect(fetch().dots).to.deep.equal(['a1', 'b1', 'c1'])
    expect(setUp().fetch().bytes).to.have.length(0)
  })

  it('goes by the reader’s time where that is later, and tells its own', () => {
    const { clock, hybrid, fetch } = setUp()
    const now = clock.wallMs()
    expect(fetch(false, now - 5_000).wallMs).to.equal(now)
    expect(fetch(false, now + 5_000).wallMs).to.be.at.least(now + 5_000)
    expect(hybrid.wallMs()).to.be.at.least(now + 5_000)
  })

  it('says when its disk lacks something', () => {
    expect(setUp().fetch().complete).to.equal(true)
    expect(setUp({ complete: false }).fetch().complete).to.equal(false)
  })

  it('does not keep in memory what is wanted once', () => {
    const { uses, fetch } = setUp({ held: recordOf('a', 1) })
    fetch()
    fetch(false, 0, true)
    expect(uses).to.deep.equal(['again', 'once'])
  })

  it('tells of its floor, and adds it to the record where that is wanted', () => {
    const { floors, fetch } = setUp({ held: recordOf('a', 9) })
    expect(fetch(true)).to.deep.include({ floor: 0, dots: ['a9'] })
    floors.count = 1
    floors.floor.vector.set('b', 5)
    expect([...fetch(false).record.past]).to.deep.equal([])
    expect([...fetch(true).record.past]).to.deep.equal([['b', 5]])
    expect(fetch(true)).to.deep.include({ floor: 1, dots: ['a9'] })
  })

  it('tells a write on its way from what mends, whichever message it comes in', () => {
    const { holder, stored, origins } = setUp()
    const handlers = new Map<string, (from: string, request: never, reply: () => void) => void>()
    const handle = (method: { name: string }, run: never) => void handlers.set(method.name, run)
    holder.serve({ handle } as unknown as Rpc)
    const record = (fresh: boolean) => ({ key: KEY, hintFor: '', bytes: Buffer.alloc(0), fresh })
    const send = (method: { name: string }, request: unknown) =>
      handlers.get(method.name)?.('b', request as never, () => undefined)
    send(STORE, record(true))
    send(STORE, record(false))
    send(STORE_GROUP, { records: [record(false), record(true)] })
    expect(origins).to.deep.equal(['write', 'mend', 'mend', 'write'])
    expect(stored).to.have.length(4)
  })

  it('marks the slot where there is no room for a hint, and stores what is its own all the same', () => {
    const { marked, stored, holder } = setUp({ full: true })
    const codes: unknown[] = []
    holder.store(KEY, 'b', Buffer.alloc(0), 'write', (error) => codes.push(error?.code))
    expect([codes, marked, stored]).to.deep.equal([['overloaded'], [SLOT], []])
    holder.store(KEY, '', Buffer.alloc(0), 'write', () => undefined)
    expect([marked, stored]).to.deep.equal([[SLOT], ['data']])
    const roomy = setUp()
    roomy.holder.store(KEY, 'b', Buffer.alloc(0), 'write', () => undefined)
    expect([roomy.marked, roomy.stored]).to.deep.equal([[], ['b']])
  })
})
