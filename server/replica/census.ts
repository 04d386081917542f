import type { Key } from '../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { ConflictPolicy, KeyRecord } from '../causality/record.ts'
import { winner } from '../causality/write.ts'
import type { StorageOp } from '../ports/storage.ts'

export const CENSUS_KEY = Buffer.from('mcensus')

/** Damaged records that are remembered until something else takes their place. */
const MAX_DAMAGED = 10_000

/**
 * How many keys, tombstones and bytes a node holds; written with every batch, so that it matches the data. It is counted
 * for both policies at once: a change of the policy is no reason to count again.
 */
export class Census {
  /** Bytes of keys and values. */
  bytes = 0
  private values = 0
  private dead = 0
  /** Keys with a value that, under `lww`, a tombstone outranks. */
  private hidden = 0
  private readonly policy: () => ConflictPolicy
  private readonly damaged = new Set<Key>()

  constructor(components: { policy: () => ConflictPolicy }) {
    this.policy = components.policy
  }

  recover(stored: Buffer | undefined): void {
    if (stored === undefined) return
    const reader = new ByteReader(stored)
    this.values = reader.u53()
    this.dead = reader.u53()
    this.hidden = reader.u53()
    this.bytes = reader.u53()
  }

  /** Keys of which a reader would see a value, were none to expire. */
  get keys(): number {
    return this.policy() === 'lww' ? this.values : this.values + this.hidden
  }

  /** Keys of which only tombstones are left. */
  get tombstones(): number {
    return this.policy() === 'lww' ? this.dead + this.hidden : this.dead
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
    this.values = Math.max(0, this.values)
    this.dead = Math.max(0, this.dead)
    this.hidden = Math.max(0, this.hidden)
    this.bytes = Math.max(0, this.bytes)
  }

  op(): StorageOp {
    const value = new ByteWriter(32).u53(this.values).u53(this.dead).u53(this.hidden).u53(this.bytes)
    return { type: 'put', key: CENSUS_KEY, value: value.finish() }
  }

  private count(keyBytes: number, record: KeyRecord, sign: 1 | -1): void {
    if (record.siblings.length === 0) return
    for (const sibling of record.siblings) this.bytes += sign * (sibling.value?.length ?? 0)
    this.bytes += sign * keyBytes
    if (!record.siblings.some(({ value }) => value !== null)) this.dead += sign
    else if ((winner(record)?.value ?? null) === null) this.hidden += sign
    else this.values += sign
  }
}
