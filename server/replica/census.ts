import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { KeyRecord } from '../causality/record.ts'
import type { StorageOp } from '../ports/storage.ts'

export const CENSUS_KEY = Buffer.from('mcensus')

/** How many keys, tombstones and bytes a node holds; written with every batch, so that it matches the data. */
export class Census {
  keys = 0
  /** Keys of which only tombstones are left. */
  tombstones = 0
  /** Bytes of keys and values. */
  bytes = 0

  recover(stored: Buffer | undefined): void {
    if (stored === undefined) return
    const reader = new ByteReader(stored)
    this.keys = reader.u53()
    this.tombstones = reader.u53()
    this.bytes = reader.u53()
  }

  replace(keyBytes: number, before: KeyRecord, after: KeyRecord): void {
    this.count(keyBytes, before, -1)
    this.count(keyBytes, after, 1)
  }

  op(): StorageOp {
    const value = new ByteWriter(24).u53(this.keys).u53(this.tombstones).u53(this.bytes).finish()
    return { type: 'put', key: CENSUS_KEY, value }
  }

  private count(keyBytes: number, record: KeyRecord, sign: 1 | -1): void {
    if (record.siblings.length === 0) return
    let live = false
    for (const sibling of record.siblings) {
      live ||= sibling.value !== null
      this.bytes += sign * (sibling.value?.length ?? 0)
    }
    this.bytes += sign * keyBytes
    if (live) this.keys += sign
    else this.tombstones += sign
  }
}
