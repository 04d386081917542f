import type { KvError } from '../../shared/errors.ts'

export type StorageOp =
  | { readonly type: 'put'; readonly key: Buffer; readonly value: Buffer }
  | { readonly type: 'del'; readonly key: Buffer }

export interface StorageRange {
  /** First key that is included. */
  readonly gte: Buffer
  /** First key that is not included any more. */
  readonly lt: Buffer
  readonly limit: number
}

export type StorageEntry = readonly [key: Buffer, value: Buffer]

/**
 * An ordered map from bytes to bytes on one disk.
 *
 * Contract: reads see what has been committed, in unsigned byte order. `commit` is atomic, and durable
 * when it resolves; before that it may or may not be visible to reads, and a power cut may drop it or keep
 * it, wholly. Commits become durable in the order of the calls: if a later one survives, so do the earlier.
 * A rejected commit leaves unknown what is on disk: the storage then refuses every later commit.
 */
export interface Storage {
  /** The value, which the caller must not change; undefined when there is none. */
  get(key: Buffer): Buffer | undefined
  /**
   * Up to `limit` entries of the range, in order: fewer also where a page would take too much memory. For the next
   * page, start after the last key; only an empty page says that the range is at its end.
   */
  iterate(range: StorageRange): Promise<StorageEntry[]>
  commit(batch: readonly StorageOp[]): Promise<void>
  /**
   * Why nothing should be added now: there is little room left. Commits still work, for what must go on and for what
   * makes room. Absent, or undefined: there is enough.
   */
  shortage?(): KvError | undefined
  /**
   * Set once reads, too, have shown that the database as a whole is damaged: what it held at that place cannot be
   * read, nor be replaced. Absent, or undefined: nothing of that kind is known.
   */
  damage?(): KvError | undefined
  close(): Promise<void>
}
