import type { Key } from '../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { ConflictPolicy, KeyRecord } from '../causality/record.ts'
import { winner } from '../causality/write.ts'
import type { StorageOp } from '../ports/storage.ts'

export const CENSUS_KEY = Buffer.from('mcensus')

/** Damaged records that are remembered until something else takes their place. */
const MAX_DAMAGED = 10_000

/** How many keys, tombstones and bytes a node holds; written with every batch, so that it matches the data. */
export class Census {
  keys = 0
  /** Keys of which only tombstones are left. */
  tombstones = 0
  /** Bytes of keys and values. */
  bytes = 0
  private readonly policy: () => ConflictPolicy
  private readonly damaged = new Set<Key>()

  constructor(components: { policy: () => ConflictPolicy }) {
    this.policy = components.policy
  }

  recover(stored: Buffer | undefined): void {
    if (stored === undefined) return
    const reader = new ByteReader(stored)
    this.keys = reader.u53()
    this.tombstones = reader.u53()
    this.bytes = reader.u53()
  }

  /** The record is there, and counted, but cannot be read any more. */
  spoilt(key: Key): void {
    if (this.damaged.size < MAX_DAMAGED) this.damaged.add(key)
  }

  replace(key: Key, before: KeyRecord, after: KeyRecord): void {
    // What has been counted of a record that is damaged nobody knows now; what a peer has of it is the best guess.
    const counted = this.damaged.size > 0 && this.damaged.delete(key) ? after : before
    this.count(key.length, counted, -1)
    this.count(key.length, after, 1)
    // A disk that has lost a write without a word gives less, or other things, than were counted.
    this.keys = Math.max(0, this.keys)
    this.tombstones = Math.max(0, this.tombstones)
    this.bytes = Math.max(0, this.bytes)
  }

  op(): StorageOp {
    const value = new ByteWriter(24).u53(this.keys).u53(this.tombstones).u53(this.bytes).finish()
    return { type: 'put', key: CENSUS_KEY, value }
  }

  private count(keyBytes: number, record: KeyRecord, sign: 1 | -1): void {
    if (record.siblings.length === 0) return
    for (const sibling of record.siblings) this.bytes += sign * (sibling.value?.length ?? 0)
    this.bytes += sign * keyBytes
    if (hasValue(record, this.policy())) this.keys += sign
    else this.tombstones += sign
  }
}

/** Whether a reader would see a value, were none to expire. */
function hasValue(record: KeyRecord, policy: ConflictPolicy): boolean {
  if (policy === 'lww') return (winner(record)?.value ?? null) !== null
  return record.siblings.some((sibling) => sibling.value !== null)
}
