import { expect } from 'chai'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { digestFault } from '../../simulation/digest-fault.ts'
import type { MemoryDisk } from '../../simulation/memory-disk.ts'
import { encodedOf } from '../records.ts'
import { TwoOwners } from './two-owners.ts'

const key = (i: number): Key => keyFromText(`key-${i}`)

async function filled(count: number, settings = {}): Promise<TwoOwners> {
  const owners = new TwoOwners(settings)
  await owners.start()
  const writes: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    const bytes = encodedOf(key(i), 'x', i + 1)
    writes.push(owners.a.store(key(i), bytes), owners.b.store(key(i), bytes))
  }
  await owners.settled(Promise.all(writes))
  return owners
}

/** One bit of the record on the disk is another. */
function damage(disk: MemoryDisk, damaged: Key): void {
  const bytes = Buffer.from(disk.get(dataAddress(damaged)) as Buffer)
  bytes[bytes.length - 7] = (bytes[bytes.length - 7] as number) ^ 4
  disk.write([{ type: 'put', key: dataAddress(damaged), value: bytes }])
}

async function scrub({ a }: TwoOwners, owners: TwoOwners): Promise<void> {
  const { passes } = a.repair.scrubStatus()
  a.repair.scrubNow()
  await owners.until('a pass to end', () => a.repair.scrubStatus().passes > passes)
}

describe('Scrub', () => {
  it('reads every record, and finds nothing where nothing is wrong', async () => {
    const owners = await filled(300)
    await scrub(owners, owners)
    expect(owners.a.repair.scrubStatus()).to.include({
      state: 'idle',
      slotsChecked: 16_384,
      recordsChecked: 300,
      recordsDamaged: 0,
      slotsRebuilt: 0,
    })
  })

  it('finds a damaged record, and gets it from the peer', async () => {
    const owners = await filled(300)
    const whole = owners.disks.a.get(dataAddress(key(42)))
    damage(owners.disks.a, key(42))
    await scrub(owners, owners)
    expect(owners.a.repair.scrubStatus()).to.include({ recordsDamaged: 1, slotsRebuilt: 1 })
    expect(owners.a.counters.get('corrupt_records_total')).to.equal(1)
    const again = () => owners.disks.a.get(dataAddress(key(42)))
    await owners.until('the record to be whole', () => again()?.equals(whole as Buffer) === true, 10_000)
    await scrub(owners, owners)
    expect(owners.a.repair.scrubStatus()).to.include({ recordsDamaged: 1, slotsRebuilt: 1 })
    expect(await digestFault(owners.disks.a)).to.equal(undefined)
  })

  it('mends a record that a reader found damaged, without waiting for its time', async () => {
    const owners = await filled(300)
    damage(owners.disks.a, key(7))
    expect(() => owners.a.data.durable(key(7))).to.throw('damaged')
    await owners.until(
      'the record to be whole',
      () =>
        owners.a.digests.leaves.sums.same(slotOf(key(7)), owners.b.digests.leaves.sums) &&
        readable(owners, key(7)),
      10_000,
    )
  })

  it('writes a damaged record again that is still in memory', async () => {
    const owners = await filled(50, { cacheBytes: 1e6 })
    owners.a.data.durable(key(3))
    const whole = owners.disks.a.get(dataAddress(key(3))) as Buffer
    damage(owners.disks.a, key(3))
    owners.network.fails = () => true
    await scrub(owners, owners)
    await owners.until(
      'it to be written',
      () => owners.disks.a.get(dataAddress(key(3)))?.equals(whole) === true,
    )
    expect(await digestFault(owners.disks.a)).to.equal(undefined)
  })

  it('puts wrong digests right while writes go on', async () => {
    const owners = await filled(2000)
    const { a } = owners
    for (let i = 0; i < 20; i++) a.digests.leaves.add(slotOf(key(i)), { lo: 1, hi: 1 })
    let written = 0
    const write = async (): Promise<void> => {
      while (a.repair.scrubStatus().passes === 0) {
        const i = (written++ * 37) % 2500
        await a.store(key(i), encodedOf(key(i), 'y', written))
      }
    }
    const writers = Promise.all(Array.from({ length: 8 }, write))
    a.repair.scrubNow()
    await owners.settled(writers)
    expect(written).to.be.greaterThan(100)
    expect(a.repair.scrubStatus().slotsRebuilt).to.equal(20)
    await owners.settled(new Promise<void>((resolve) => void a.commit.idle().then(resolve)))
    expect(await digestFault(owners.disks.a)).to.equal(undefined)
  })

  it('makes the digests of data that has none, though the first pass is cut off', async () => {
    const owners = await filled(2000)
    owners.a.repair.stop()
    const journal = owners.disks.a.range({ gte: Buffer.from('mt'), lt: Buffer.from('mu'), limit: 1e6 })
    owners.disks.a.write(journal.map(([address]) => ({ type: 'del', key: address })))
    owners.crash('a')
    await owners.settled(owners.a.repair.recover())
    await owners.settled(owners.a.store(key(1), encodedOf(key(1), 'y', 1)))
    owners.crash('a')
    await owners.settled(owners.a.repair.recover())
    expect(owners.a.repair.scrubStatus().state).to.equal('running')
    owners.a.repair.start()
    await owners.until('a pass to end', () => owners.a.repair.scrubStatus().passes === 1)
    expect(await digestFault(owners.disks.a)).to.equal(undefined)
  })

  it('comes by itself when its time has come, counted over restarts', async () => {
    const owners = await filled(10, { scrubEveryMs: 3_600_000 })
    await owners.until('the first pass', () => owners.a.repair.scrubStatus().passes === 1, 400_000)
    const { finishedAtMs } = owners.a.repair.scrubStatus()
    owners.crash('a')
    await owners.settled(owners.a.repair.recover())
    owners.a.repair.start()
    expect(owners.a.repair.scrubStatus().finishedAtMs).to.equal(finishedAtMs)
    await owners.until('the second pass', () => owners.a.repair.scrubStatus().passes === 1, 4_000_000)
    expect(owners.a.repair.scrubStatus().finishedAtMs - finishedAtMs).to.be.within(3_600_000, 3_640_000)
  })
})

function readable(owners: TwoOwners, wanted: Key): boolean {
  try {
    return owners.a.data.durable(wanted).siblings.length > 0
  } catch {
    return false
  }
}
