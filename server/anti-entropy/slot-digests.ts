import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import { Leaves, type Summand } from './leaves.ts'
import { RecordDigest } from './record-digest.ts'

/** Told of each change; the digests are valid during the call, and undefined where there is no record. */
export type SlotWatch = (
  slot: number,
  key: Key,
  before: Summand | undefined,
  after: Summand | undefined,
) => void

/** Keeps the leaves in step with the records, as they are staged for their batch. */
export class SlotDigests {
  readonly leaves = new Leaves()
  private readonly before = new RecordDigest()
  private readonly after = new RecordDigest()
  private watch: SlotWatch | undefined

  /** `bytes` is the new record, encoded; undefined where it is removed. */
  replace(key: Key, record: KeyRecord, bytes: Buffer | undefined): void {
    const slot = slotOf(key)
    const before = record === EMPTY_RECORD ? undefined : this.before.read(key, encodeRecord(key, record))
    const after = bytes === undefined ? undefined : this.after.read(key, bytes)
    if (before !== undefined) this.leaves.subtract(slot, before)
    if (after !== undefined) this.leaves.add(slot, after)
    this.watch?.(slot, key, before, after)
  }

  /** One at a time; undefined ends it. */
  setWatch(watch: SlotWatch | undefined): void {
    this.watch = watch
  }
}
