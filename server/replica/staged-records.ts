import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../causality/record-codec.ts'
import type { Storage } from '../ports/storage.ts'
import type { Durable, GroupCommit } from './group-commit.ts'
import type { EncodedRecord, RecordCache } from './record-cache.ts'

export interface StagedRecordsComponents {
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly cache?: RecordCache
  /** Told of every change when it is staged. */
  readonly onStage?: (key: Key, before: KeyRecord, after: KeyRecord, encoded: EncodedChange) => void
  /** A record on the disk failed its checksum. */
  readonly onCorrupt: (key: Key, why: string) => void
}

export interface EncodedChange {
  /** Undefined where there was no record, and where its encoding is not at hand. */
  readonly before: Buffer | undefined
  /** Undefined where the record is removed. */
  readonly after: Buffer | undefined
}

/**
 * What is read `once`, as by whoever goes through many keys, is not kept in memory. It would drive out what clients
 * ask for, and what has been kept for a while costs garbage collection the most.
 */
export type Use = 'again' | 'once'

/** A key with commits under way. */
interface Staged {
  /** What was durable last. */
  durable: KeyRecord
  durableBytes: Buffer | undefined
  /** What will be durable when all commits under way are. */
  latest: KeyRecord
  latestBytes: Buffer | undefined
  underWay: number
  /** Those who wait for `latest`. */
  waiters: Durable[]
}

/**
 * The records of one part of the storage, each under `address(key)`, with those whose commit is still under way.
 * Writers build on `latest`; readers are only shown what is `durable`, because a value that was once read must not
 * be undone by a power cut.
 */
export class StagedRecords {
  private readonly components: StagedRecordsComponents
  private readonly address: (key: Key) => Buffer
  private readonly staged = new Map<Key, Staged>()
  /** What was read last: a write that builds on it comes next. */
  private loaded: EncodedRecord | undefined

  constructor(components: StagedRecordsComponents, address: (key: Key) => Buffer) {
    this.components = components
    this.address = address
  }

  /** @throws KvError `storage_failed` where the record on the disk cannot be trusted. */
  durable(key: Key, use: Use = 'again'): KeyRecord {
    return this.staged.get(key)?.durable ?? this.load(key, use)
  }

  /** What encodeRecord makes of a record that `durable` has given: of most of them it is at hand. */
  encode(key: Key, record: KeyRecord): Buffer {
    if (this.loaded?.record === record) return this.loaded.bytes
    const staged = this.staged.get(key)
    const bytes = staged?.durable === record ? staged.durableBytes : undefined
    return bytes ?? encodeRecord(key, record)
  }

  /** What the next write builds on. A record that the disk has lost counts as none. */
  latest(key: Key): KeyRecord {
    const staged = this.staged.get(key)
    return staged === undefined ? this.loadOrNone(key) : staged.latest
  }

  /**
   * Replaces the record; EMPTY_RECORD removes it. `encoded` spares encoding it again, and `before`, which `latest`
   * has just given, reading that again.
   */
  stage(key: Key, record: KeyRecord, done: Durable, encoded?: Buffer, before?: KeyRecord): void {
    let staged = this.staged.get(key)
    if (staged === undefined) {
      const durable = before ?? this.loadOrNone(key)
      const encoding = this.loaded?.record === durable ? this.loaded.bytes : undefined
      staged = {
        durable,
        durableBytes: encoding,
        latest: durable,
        latestBytes: encoding,
        underWay: 0,
        waiters: [],
      }
      this.staged.set(key, staged)
    }
    const bytes = record === EMPTY_RECORD ? undefined : (encoded ?? encodeRecord(key, record))
    this.components.onStage?.(key, staged.latest, record, { before: staged.latestBytes, after: bytes })
    staged.latest = record
    staged.latestBytes = bytes
    staged.underWay++
    const waiters: Durable[] = [done]
    staged.waiters = waiters
    const entry = staged
    const address = this.address(key)
    this.components.commit.add(
      bytes === undefined ? { type: 'del', key: address } : { type: 'put', key: address, value: bytes },
      (error) => {
        entry.underWay--
        if (error === undefined) {
          entry.durable = record
          entry.durableBytes = bytes
        }
        if (entry.underWay === 0) this.unstage(key, entry, error === undefined)
        for (const waiter of waiters) waiter(error)
      },
    )
  }

  /** Writes a record again that the disk has lost. @returns false where it is not in memory either. */
  rewrite(key: Key): boolean {
    if (this.staged.has(key)) return true
    const cached = this.components.cache?.get(key)
    if (cached === undefined) return false
    this.stage(key, cached.record, () => undefined, cached.bytes, cached.record)
    return true
  }

  /**
   * The disk holds something else than it was given: what is in memory is merged into that, and written again.
   * @returns whether there was anything to write.
   */
  reconcile(key: Key): boolean {
    const cached = this.components.cache?.get(key)
    if (cached === undefined || this.staged.has(key)) return false
    this.components.cache?.delete(key)
    const onDisk = this.loadOrNone(key)
    const merged = onDisk === EMPTY_RECORD ? cached.record : mergeRecords(onDisk, cached.record)
    if (merged === onDisk) return false
    this.stage(key, merged, () => undefined, undefined, onDisk)
    return true
  }

  /** Whether a change of the key is on its way to the disk. */
  pending(key: Key): boolean {
    return this.staged.has(key)
  }

  /** Calls back when what is `latest` now is durable; at once when it is already. */
  whenDurable(key: Key, done: Durable): void {
    const staged = this.staged.get(key)
    if (staged === undefined) done(undefined)
    else staged.waiters.push(done)
  }

  private unstage(key: Key, entry: Staged, committed: boolean): void {
    this.staged.delete(key)
    const { durable: record, durableBytes: bytes } = entry
    if (committed && bytes !== undefined) this.components.cache?.update(key, { record, bytes })
    else this.components.cache?.delete(key)
  }

  private load(key: Key, use: Use): KeyRecord {
    const cached = this.components.cache?.get(key)
    if (cached !== undefined) {
      this.loaded = cached
      return cached.record
    }
    try {
      const bytes = this.components.storage.get(this.address(key))
      if (bytes === undefined) return EMPTY_RECORD
      const record = decodeRecord(key, bytes)
      this.loaded = { record, bytes }
      if (use === 'again') this.components.cache?.set(key, this.loaded)
      return record
    } catch (error) {
      if (!(error instanceof CorruptRecord || isStorageFailure(error))) throw error
      this.components.onCorrupt(key, error.message)
      throw new KvError('storage_failed', `the record on this node's disk is damaged: ${error.message}`)
    }
  }

  private loadOrNone(key: Key): KeyRecord {
    try {
      return this.load(key, 'again')
    } catch (error) {
      if (isStorageFailure(error)) return EMPTY_RECORD
      throw error
    }
  }
}

function isStorageFailure(error: unknown): error is KvError {
  return error instanceof KvError && error.code === 'storage_failed'
}
