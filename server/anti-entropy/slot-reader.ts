import type { Key } from '../../shared/key.ts'
import { isSealed } from '../causality/record-checksum.ts'
import type { Storage } from '../ports/storage.ts'
import { fromDataAddress, slotAddress } from '../replica/data-address.ts'
import type { KeyDigest } from '../rpc/repair-methods.ts'
import { BucketSet, bucketOf } from './buckets.ts'
import { DigestSums } from './leaves.ts'
import { hashKey, RecordDigest } from './record-digest.ts'

/** Records read at a time: few enough for one turn of the event loop. */
const PAGE = 500

/** Which of a slot's records are meant. */
export interface Selection {
  readonly slot: number
  /** A power of two. */
  readonly buckets: number
  readonly wanted: BucketSet
}

export interface KeyPage {
  readonly entries: readonly KeyDigest[]
  readonly after: string
  readonly end: boolean
  /** Records that were looked at for it. */
  readonly lookedAt: number
}

export interface SlotReaderComponents {
  readonly storage: Storage
  /** A record on the disk fails its checksum. */
  readonly onDamage: (slot: number, key: Key) => void
  /** The disk does not give the slot's records, or not all of them. */
  readonly onUnreadable: (slot: number, error: unknown) => void
}

/**
 * Reads the records of one slot for comparison with a peer's. What is damaged counts as missing, and what cannot be
 * read at all as the slot's end: so a peer sends it anew.
 */
export class SlotReader {
  private readonly components: SlotReaderComponents

  constructor(components: SlotReaderComponents) {
    this.components = components
  }

  /** The next records behind `after`, which is '' at the start. */
  async page({ slot, buckets, wanted }: Selection, after: string): Promise<KeyPage> {
    const start = slotAddress(slot, after)
    const gte = after === '' ? start : Buffer.concat([start, Buffer.of(0)])
    const entries: KeyDigest[] = []
    const digest = new RecordDigest()
    const found = await this.iterate(slot, gte)
    let last = after
    for (const [address, bytes] of found) {
      const { key } = fromDataAddress(address)
      last = key
      if (!isSealed(key, bytes)) {
        this.components.onDamage(slot, key)
        continue
      }
      const { lo, hi, keyHash } = digest.read(key, bytes)
      if (wanted.has(bucketOf(keyHash, buckets))) entries.push({ key, lo, hi })
    }
    return { entries, after: last, end: found.length === 0, lookedAt: found.length }
  }

  /** The sums of all buckets. `pause` is awaited between pages, with the number of records read. */
  async bucketSums(
    slot: number,
    buckets: number,
    pause: (records: number) => Promise<void>,
  ): Promise<DigestSums> {
    const sums = new DigestSums(buckets)
    const all = { slot, buckets: 1, wanted: BucketSet.of(1, [0]) }
    let after = ''
    for (;;) {
      const page = await this.page(all, after)
      for (const entry of page.entries) sums.add(bucketOf(hashKey(entry.key), buckets), entry)
      if (page.end) return sums
      after = page.after
      await pause(page.lookedAt)
    }
  }

  private async iterate(slot: number, gte: Buffer): Promise<readonly (readonly [Buffer, Buffer])[]> {
    try {
      return await this.components.storage.iterate({ gte, lt: slotAddress(slot + 1, ''), limit: PAGE })
    } catch (error) {
      this.components.onUnreadable(slot, error)
      return []
    }
  }
}
