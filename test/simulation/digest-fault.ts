import { isDeepStrictEqual } from 'node:util'
import { LeafJournal } from '../../server/anti-entropy/leaf-journal.ts'
import { DigestSums, Leaves } from '../../server/anti-entropy/leaves.ts'
import { RecordDigest } from '../../server/anti-entropy/record-digest.ts'
import type { Storage } from '../../server/ports/storage.ts'
import { fromDataAddress } from '../../server/replica/data-address.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { DATA_RECORDS } from './record-place.ts'

/**
 * What is wrong with the digests on a disk, by all the records that are on it, but for those in the slots `spoilt`;
 * undefined where nothing is.
 */
export async function digestFault(
  disk: Pick<MemoryDisk, 'range'>,
  spoilt: ReadonlySet<number> = new Set(),
): Promise<string | undefined> {
  const found = new DigestSums(SLOTS)
  const digest = new RecordDigest()
  for (const [address, bytes] of disk.range(DATA_RECORDS)) {
    const { slot, key } = fromDataAddress(address)
    if (!spoilt.has(slot)) found.add(slot, digest.read(key, bytes))
  }
  const leaves = new Leaves()
  const storage = { iterate: (range) => Promise.resolve(disk.range(range)) } as Storage
  await new LeafJournal({ leaves }).recover(storage)
  if (isDeepStrictEqual(leaves.sums.words, found.words)) return undefined
  for (let slot = 0; slot < SLOTS; slot++) {
    if (spoilt.has(slot) || leaves.sums.same(slot, found)) continue
    return `slot ${slot} counts ${leaves.sums.count(slot)} records, and ${found.count(slot)} are there`
  }
  return undefined
}
