import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import type { EncodedChange } from '../replica/staged-records.ts'
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

  /** `record` is the one that is replaced. */
  replace(key: Key, record: KeyRecord, encoded: EncodedChange): void {
    const slot = slotOf(key)
    const replaced = record === EMPTY_RECORD ? undefined : (encoded.before ?? encodeRecord(key, record))
    const before = replaced === undefined ? undefined : this.before.read(key, replaced)
    const after = encoded.after === undefined ? undefined : this.after.read(key, encoded.after)
    if (before !== undefined) this.leaves.subtract(slot, before)
    if (after !== undefined) this.leaves.add(slot, after)
    this.watch?.(slot, key, before, after)
  }

  /** One at a time; undefined ends it. */
  setWatch(watch: SlotWatch | undefined): void {
    this.watch = watch
  }
}
