import { LeafJournal } from '../../server/anti-entropy/leaf-journal.ts'
import { DigestSums, Leaves } from '../../server/anti-entropy/leaves.ts'
import { RecordDigest } from '../../server/anti-entropy/record-digest.ts'
import type { Storage } from '../../server/ports/storage.ts'
import { DATA_END, fromDataAddress, slotAddress } from '../../server/replica/data-address.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { MemoryDisk } from './memory-disk.ts'

/** What is wrong with the digests on a disk, by all the records that are on it; undefined where nothing is. */
export async function digestFault(disk: Pick<MemoryDisk, 'range'>): Promise<string | undefined> {
  const found = new DigestSums(SLOTS)
  const digest = new RecordDigest()
  for (const [address, bytes] of disk.range({ gte: slotAddress(0, ''), lt: DATA_END, limit: 1e9 })) {
    const { slot, key } = fromDataAddress(address)
    found.add(slot, digest.read(key, bytes))
  }
  const leaves = new Leaves()
  const storage = { iterate: (range) => Promise.resolve(disk.range(range)) } as Storage
  await new LeafJournal({ leaves }).recover(storage)
  for (let slot = 0; slot < SLOTS; slot++) {
    if (leaves.sums.same(slot, found)) continue
    return `slot ${slot} counts ${leaves.sums.count(slot)} records, and ${found.count(slot)} are there`
  }
  return undefined
}
