import { expect } from 'chai'
import { DurableRepairMarks } from '../../../server/handoff/repair-marks.ts'
import type { StorageEntry, StorageRange } from '../../../server/ports/storage.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { MARK } from '../../../server/rpc/mark-method.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'
import { readyClock } from '../ready-clock.ts'
import { ManualStorage, settle } from '../replica/manual-storage.ts'
import { silentTrace } from '../silent-trace.ts'

class ListedStorage extends ManualStorage {
  override async iterate({ gte, lt }: StorageRange): Promise<StorageEntry[]> {
    const keys = [...this.durable.keys()].map((key) => Buffer.from(key, 'latin1')).sort(Buffer.compare)
    return keys
      .filter((key) => Buffer.compare(key, gte) >= 0 && Buffer.compare(key, lt) < 0)
      .map((key) => [key, this.get(key) as Buffer])
  }
}

function open(storage = new ListedStorage()) {
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const marks = new DurableRepairMarks({ storage, commit })
  const land = async () => {
    await settle()
    await storage.land()
  }
  return { storage, commit, marks, land }
}

const slotsOf = (marks: DurableRepairMarks) => marks.marked().map(({ slot }) => slot)

describe('marks for repair', () => {
  it('are found again after a restart, and are gone once they are cleared', async () => {
    const { storage, marks, land } = open()
    for (const slot of [16_383, 0, 300, 0]) marks.mark(slot)
    await land()
    const again = open(storage)
    await again.marks.recover()
    expect(slotsOf(again.marks)).to.deep.equal([0, 300, 16_383])
    for (const mark of again.marks.marked()) if (mark.slot !== 300) again.marks.clear(mark)
    await again.land()
    const last = open(storage).marks
    await last.recover()
    expect(slotsOf(last)).to.deep.equal([300])
  })

  it('stay where the slot was marked again after they were looked at', async () => {
    const { storage, marks, land } = open()
    marks.mark(5)
    const [seen] = marks.marked()
    marks.mark(5)
    if (seen !== undefined) marks.clear(seen)
    await land()
    const kept = () => [...storage.durable.keys()].filter((name) => name.startsWith('mr'))
    expect([marks.count, kept().length]).to.deep.equal([1, 1])
    for (const mark of marks.marked()) marks.clear(mark)
    await land()
    expect([marks.count, kept().length]).to.deep.equal([0, 0])
  })

  it('go to the disk in the batch of what is committed in the same turn', async () => {
    const { storage, commit, marks, land } = open()
    commit.add({ type: 'put', key: Buffer.from('x'), value: Buffer.alloc(0) })
    marks.mark(7)
    await land()
    expect(commit.commits).to.equal(1)
    expect([...storage.durable.keys()]).to.include.members(['x', 'mr\0\x07'])
  })

  it('tell when a slot is marked that was not, and whoever marks when that is durable', async () => {
    const { marks, land } = open()
    let told = 0
    let durable = 0
    marks.onMark(() => told++)
    marks.mark(1)
    marks.mark(1, () => durable++)
    await settle()
    expect([told, durable]).to.deep.equal([1, 0])
    await land()
    expect(durable).to.equal(1)
  })

  it('go over the wire, but not without bound', () => {
    const written = (slots: readonly number[]) => {
      const writer = new ByteWriter()
      MARK.request.write(writer, { slots })
      return new ByteReader(writer.finish())
    }
    expect(MARK.request.read(written([0, 16_383]))).to.deep.equal({ slots: [0, 16_383] })
    expect(() => MARK.request.read(written(Array(1025).fill(1)))).to.throw(RangeError)
  })
})
