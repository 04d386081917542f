import { expect } from 'chai'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { HintStore } from '../../../server/handoff/hint-store.ts'
import type { StorageEntry, StorageRange } from '../../../server/ports/storage.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import type { Minter } from '../../../server/replica/minter.ts'
import { keyFromText } from '../../../shared/key.ts'
import { readyClock } from '../ready-clock.ts'
import { recordOf } from '../records.ts'
import { ManualStorage, settle } from '../replica/manual-storage.ts'
import { silentTrace } from '../silent-trace.ts'

/** One entry a page, as a storage may. */
class PagedStorage extends ManualStorage {
  override iterate({ gte, lt }: StorageRange): Promise<StorageEntry[]> {
    const keys = [...this.durable.keys()].map((key) => Buffer.from(key, 'latin1')).sort(Buffer.compare)
    const key = keys.find((found) => Buffer.compare(found, gte) >= 0 && Buffer.compare(found, lt) < 0)
    return Promise.resolve(key === undefined ? [] : [[key, this.get(key) as Buffer]])
  }
}

const k1 = keyFromText('k1')
const k2 = keyFromText('k2')

function open(storage = new PagedStorage(), maxBytes = 10_000) {
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  let forgotten = 0
  const minter = { forgetHint: () => forgotten++ } as unknown as Minter
  const hints = new HintStore({ storage, commit, minter, trace: silentTrace }, { maxBytes })
  return { storage, hints, forgotten: () => forgotten }
}

describe('HintStore', () => {
  it('shows a hint to readers, and has one to send, only when it is durable', async () => {
    const { storage, hints } = open()
    hints.records('b').stage(k1, recordOf('a', 1), () => undefined)
    await settle()
    expect(hints.of(k1).filter((record) => record.siblings.length > 0)).to.deep.equal([])
    expect(hints.encoded('b', k1)).to.equal(undefined)
    await storage.land()
    expect(hints.encoded('b', k1)).to.be.instanceOf(Buffer)
    expect(hints.of(k1)).to.deep.equal([recordOf('a', 1)])
    expect(hints.of(k2)).to.deep.equal([])
  })

  it('keeps one hint for each owner and key, as old as its first write', async () => {
    const { storage, hints } = open()
    hints.records('b').stage(k1, recordOf('a', 1), () => undefined)
    hints.records('b').stage(k1, mergeRecords(recordOf('a', 1), recordOf('c', 9)), () => undefined)
    hints.records('c').stage(k1, recordOf('a', 5), () => undefined)
    await settle()
    await storage.land()
    expect(hints.count).to.equal(2)
    const held = hints.held().map(({ target, count, oldestMs }) => [target, count, oldestMs])
    expect(held).to.deep.equal([
      ['b', 1, 1],
      ['c', 1, 5],
    ])
  })

  it('drops a delivered hint, but not one that has grown since it was sent', async () => {
    const { storage, hints, forgotten } = open()
    const sent = recordOf('a', 1)
    hints.records('b').stage(k1, sent, () => undefined)
    hints.records('b').stage(k2, sent, () => undefined)
    await settle()
    await storage.land()
    hints.records('b').stage(k2, mergeRecords(sent, recordOf('c', 9)), () => undefined)
    hints.delivered('b', k1, encodeRecord(k1, sent))
    hints.delivered('b', k2, encodeRecord(k2, sent))
    await settle()
    await storage.land()
    expect([...hints.keys('b')]).to.deep.equal([k2])
    expect(hints.bytes).to.equal(encodeRecord(k2, mergeRecords(sent, recordOf('c', 9))).length)
    expect(forgotten(), 'the minter is told that a hint has left').to.equal(1)
  })

  it('finds its hints again after a restart, oldest first', async () => {
    const { storage, hints } = open()
    hints.records('b').stage(k1, recordOf('a', 7), () => undefined)
    hints.records('b').stage(k2, recordOf('a', 3), () => undefined)
    hints.records('c').stage(k2, recordOf('a', 3), () => undefined)
    await settle()
    await storage.land()
    const again = open(storage).hints
    await again.recover()
    expect([again.count, again.bytes]).to.deep.equal([3, hints.bytes])
    expect([...again.keys('b')]).to.deep.equal([k2, k1])
    expect(again.records('b').durable(k1)).to.deep.equal(recordOf('a', 7))
  })

  it('starts, and says so, though a hint on the disk is damaged', async () => {
    const { storage, hints } = open()
    hints.records('b').stage(k1, recordOf('a', 7), () => undefined)
    await settle()
    await storage.land()
    for (const bytes of storage.durable.values()) bytes[3] = (bytes[3] as number) ^ 1
    const again = open(storage).hints
    await again.recover()
    expect(again.count).to.equal(1)
    expect(() => again.records('b').durable(k1))
      .to.throw()
      .with.property('code', 'storage_failed')
  })

  it('takes no more hints than there is room for', async () => {
    const { hints } = open(new PagedStorage(), 10)
    expect(hints.refusal()).to.equal(undefined)
    hints.records('b').stage(k1, recordOf('a', 1), () => undefined)
    expect(hints.refusal()?.code).to.equal('overloaded')
    expect(hints.refusal()?.message).to.match(/keeps \d+ bytes of hints; from 10 on it takes no more$/)
    expect(open(new PagedStorage(), 0).hints.refusal()?.message).to.match(/it keeps no hints$/)
  })
})
