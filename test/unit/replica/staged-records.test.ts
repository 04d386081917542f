import { expect } from 'chai'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { RecordCache } from '../../../server/replica/record-cache.ts'
import { StagedRecords } from '../../../server/replica/staged-records.ts'
import { keyFromText } from '../../../shared/key.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { ManualStorage, settle } from './manual-storage.ts'

const key = keyFromText('k')

function record(counter: number): KeyRecord {
  const sibling = {
    dot: { actor: 'a', counter },
    stamp: { wallMs: counter, logical: 0 },
    value: Buffer.from(`v${counter}`),
    expiresAtMs: 0,
    request: '',
    attempt: 0,
  }
  return { past: new Map(), siblings: [sibling], retired: [] }
}

function setUp() {
  const storage = new ManualStorage()
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const cache = new RecordCache({ maxBytes: 1e6 })
  const corrupt: string[] = []
  const onCorrupt = (_key: string, why: string) => corrupt.push(why)
  const records = new StagedRecords({ storage, commit, cache, onCorrupt }, (name) => Buffer.from(`d${name}`))
  return { storage, records, cache, corrupt }
}

describe('StagedRecords', () => {
  it('shows writers what is staged and readers only what is durable', async () => {
    const { storage, records } = setUp()
    records.stage(key, record(1), () => undefined)
    expect(records.latest(key)).to.deep.equal(record(1))
    expect(records.durable(key)).to.equal(EMPTY_RECORD)
    await settle()
    expect(records.durable(key)).to.equal(EMPTY_RECORD)
    await storage.land()
    expect(records.durable(key)).to.deep.equal(record(1))
  })

  it('does not keep what is read once, nor forget what is read again', () => {
    const { storage, records, cache } = setUp()
    const bytes = encodeRecord(key, record(1))
    storage.durable.set(`d${key}`, bytes)
    const found = records.durable(key, 'once')
    expect(records.encode(key, found)).to.deep.equal(bytes)
    expect(cache.bytes).to.equal(0)
    records.durable(key)
    records.durable(key, 'once')
    expect(cache.get(key)?.record).to.deep.equal(record(1))
  })

  it('keeps the durable one of several versions under way apart', async () => {
    const { storage, records } = setUp()
    const done: number[] = []
    records.stage(key, record(1), () => done.push(1))
    await settle()
    records.stage(key, record(2), () => done.push(2))
    records.stage(key, record(3), () => done.push(3))
    await storage.land()
    expect(done).to.deep.equal([1])
    expect(records.durable(key)).to.deep.equal(record(1))
    expect(records.latest(key)).to.deep.equal(record(3))
    await storage.land()
    expect(done).to.deep.equal([1, 2, 3])
    expect(records.durable(key)).to.deep.equal(record(3))
  })

  it('shows nothing of a commit that has failed, and does not go by memory afterwards', async () => {
    const { storage, records } = setUp()
    storage.durable.set(`d${key}`, encodeRecord(key, record(1)))
    expect(records.durable(key)).to.deep.equal(record(1))
    const seen: KeyRecord[] = []
    records.stage(key, record(2), () => seen.push(records.durable(key)))
    await settle()
    let failed = false
    records.stage(key, record(3), (error) => {
      failed = error !== undefined
    })
    await storage.fail()
    await settle()
    expect([seen, failed]).to.deep.equal([[record(1)], true])
    // Nobody knows what a commit that has failed has left on the disk.
    storage.durable.set(`d${key}`, encodeRecord(key, record(2)))
    expect(records.durable(key)).to.deep.equal(record(2))
  })

  it('calls back when what is latest now is durable', async () => {
    const { storage, records } = setUp()
    const done: string[] = []
    records.whenDurable(key, () => done.push('at once'))
    expect(done).to.deep.equal(['at once'])
    records.stage(key, record(1), () => undefined)
    records.whenDurable(key, () => done.push('later'))
    await settle()
    expect(done).to.deep.equal(['at once'])
    await storage.land()
    expect(done).to.deep.equal(['at once', 'later'])
  })

  it('removes the record where EMPTY_RECORD is staged', async () => {
    const { storage, records } = setUp()
    records.stage(key, record(1), () => undefined)
    await settle()
    await storage.land()
    records.stage(key, EMPTY_RECORD, () => undefined)
    await settle()
    await storage.land()
    expect(storage.durable.has(`d${key}`)).to.equal(false)
    expect(records.durable(key)).to.equal(EMPTY_RECORD)
  })

  it('writes again what the disk has lost without a word, and only that', async () => {
    const { storage, records } = setUp()
    storage.durable.set(`d${key}`, encodeRecord(key, record(2)))
    expect(records.durable(key)).to.deep.equal(record(2))
    expect(records.reconcile(key)).to.equal(false)
    storage.durable.delete(`d${key}`)
    expect(records.reconcile(key)).to.equal(true)
    expect(records.reconcile(key), 'it is on its way').to.equal(false)
    await settle()
    await storage.land()
    expect(storage.durable.get(`d${key}`)).to.deep.equal(encodeRecord(key, record(2)))
    // An older version is back: nothing of either is lost.
    expect(records.durable(key)).to.deep.equal(record(2))
    storage.durable.set(`d${key}`, encodeRecord(key, record(1)))
    expect(records.reconcile(key)).to.equal(true)
    await settle()
    await storage.land()
    expect(records.durable(key).siblings.map(({ dot }) => dot.counter)).to.deep.equal([1, 2])
  })

  it('never serves a record whose checksum fails, and builds on nothing in its place', () => {
    const { storage, records, corrupt } = setUp()
    const bytes = encodeRecord(key, record(1))
    bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 1
    storage.durable.set(`d${key}`, bytes)
    expect(() => records.durable(key))
      .to.throw()
      .with.property('code', 'storage_failed')
    expect(corrupt).to.have.length(1)
    expect(records.latest(key)).to.equal(EMPTY_RECORD)
  })
})
