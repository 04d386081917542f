import { LRUCache } from 'lru-cache'
import type { Key } from '../../shared/key.ts'
import type { KeyRecord } from '../causality/record.ts'

/** Rough bytes of a record in memory beside its values: objects, maps, strings. */
const RECORD_OVERHEAD = 400

/** A record and what encodeRecord makes of it. */
export interface EncodedRecord {
  readonly record: KeyRecord
  readonly bytes: Buffer
}

/** The records that were used last, decoded: reading one from LevelDB costs some ten times as much. */
export class RecordCache {
  private readonly records: LRUCache<Key, EncodedRecord>

  constructor(settings: { maxBytes: number }) {
    this.records = new LRUCache({ maxSize: Math.max(1, settings.maxBytes), sizeCalculation: sizeOf })
  }

  get(key: Key): EncodedRecord | undefined {
    return this.records.get(key)
  }

  set(key: Key, record: EncodedRecord): void {
    this.records.set(key, record)
  }

  /**
   * After a write: only what is read or written repeatedly is worth its room. Most records of an import are not, and
   * to keep each of them for a while is what garbage collection costs most for.
   */
  update(key: Key, record: EncodedRecord): void {
    if (this.records.has(key)) this.records.set(key, record)
  }

  delete(key: Key): void {
    this.records.delete(key)
  }

  get bytes(): number {
    return this.records.calculatedSize
  }
}

function sizeOf({ record, bytes }: EncodedRecord, key: Key): number {
  let size = RECORD_OVERHEAD + key.length + bytes.length
  for (const sibling of record.siblings) size += RECORD_OVERHEAD + (sibling.value?.length ?? 0)
  return size
}
