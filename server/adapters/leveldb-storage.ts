import { KvError } from '../../shared/errors.ts'
import type { Storage, StorageEntry, StorageOp, StorageRange } from '../ports/storage.ts'
import type { DiskSpace } from './disk-space.ts'
import { isCorruption, storageError } from './leveldb-errors.ts'

/** `async` resolves a commit before it is on the disk: the last moments before a power cut are lost. */
export type Durability = 'sync' | 'async'

/** What is used of classic-level: a batch takes copies of what it is given. */
export interface LevelDatabase {
  getSync(key: Buffer): Buffer | undefined
  iterator(options: StorageRange & { highWaterMarkBytes: number }): LevelIterator
  batch(): LevelBatch
  close(): Promise<void>
}

export interface LevelIterator {
  nextv(size: number): Promise<[Buffer, Buffer][]>
  close(): Promise<void>
}

export interface LevelBatch {
  put(key: Buffer, value: Buffer): unknown
  del(key: Buffer): unknown
  write(options: { sync: boolean }): Promise<void>
  close(): Promise<void>
}

export interface LevelStorageSettings {
  readonly durability: Durability
  /** The node's data directory, for error messages. */
  readonly directory: string
}

/** A page ends with the entry that takes it over this, so that one page never fills the memory. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024

/** Entries that become JavaScript objects in one turn of the event loop. */
const ENTRIES_PER_TURN = 1000

/** Commits that wait are written as one, up to this. */
const MAX_GROUP_BYTES = 4 * 1024 * 1024

interface Waiter {
  resolve(): void
  reject(error: KvError): void
}

/** Commits that reach the disk in one write, in the order of the calls. */
interface Group {
  readonly batch: LevelBatch
  readonly waiters: Waiter[]
  bytes: number
}

/**
 * The Storage port on LevelDB.
 *
 * LevelDB's writes run on a pool of threads, where a later one can overtake an earlier one. So one at a time is in
 * flight, and what is committed meanwhile is gathered into the next: that keeps the order, and shares the fsync.
 */
export class LevelStorage implements Storage {
  private readonly db: LevelDatabase
  private readonly space: DiskSpace | undefined
  private readonly settings: LevelStorageSettings
  private readonly groups: Group[] = []
  private writing = false
  private failure: KvError | undefined
  private corruption: KvError | undefined
  private closed: Promise<void> | undefined
  private idle: (() => void) | undefined

  constructor(components: { db: LevelDatabase; space?: DiskSpace }, settings: LevelStorageSettings) {
    this.db = components.db
    this.space = components.space
    this.settings = settings
  }

  /**
   * False after a commit has failed: nobody knows what is on the disk until it is opened again. And false once the
   * database is known to be damaged.
   */
  healthy(): boolean {
    return this.failure === undefined && this.corruption === undefined
  }

  /**
   * Set once LevelDB has found the database damaged: it will not work when it is opened again either. Blocks are not
   * replaced in place, and the next compaction that comes across this one ends all writing.
   */
  damage(): KvError | undefined {
    return this.corruption
  }

  /** @throws KvError `storage_failed` where the disk or the database cannot be read. */
  get(key: Buffer): Buffer | undefined {
    try {
      return this.db.getSync(key)
    } catch (thrown) {
      throw this.failed(thrown)
    }
  }

  /** @throws KvError `storage_failed` where the disk or the database cannot be read. */
  async iterate(range: StorageRange): Promise<StorageEntry[]> {
    const { gte, lt, limit } = range
    if (limit <= 0) return []
    const entries: StorageEntry[] = []
    try {
      const iterator = this.db.iterator({ gte, lt, limit, highWaterMarkBytes: MAX_PAGE_BYTES })
      try {
        let bytes = 0
        while (entries.length < limit && bytes < MAX_PAGE_BYTES) {
          const read = await iterator.nextv(Math.min(limit - entries.length, ENTRIES_PER_TURN))
          if (read.length === 0) break
          for (const entry of read) {
            entries.push(entry)
            bytes += entry[0].length + entry[1].length
          }
        }
      } finally {
        await iterator.close()
      }
    } catch (thrown) {
      throw this.failed(thrown)
    }
    return entries
  }

  /**
   * Copies the batch before it returns. Whoever calls bounds how much waits.
   * @throws KvError `storage_failed`, from then on for every commit.
   */
  commit(batch: readonly StorageOp[]): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.closed !== undefined) return Promise.reject(closedError())
    return new Promise((resolve, reject) => {
      const group = this.lastGroup()
      for (const op of batch) {
        if (op.type === 'put') {
          group.batch.put(op.key, op.value)
          group.bytes += op.key.length + op.value.length
        } else {
          group.batch.del(op.key)
          group.bytes += op.key.length
        }
      }
      group.waiters.push({ resolve, reject })
      this.writeNext()
    })
  }

  shortage(): KvError | undefined {
    return this.space?.shortage
  }

  /** Waits for the commits in flight. */
  close(): Promise<void> {
    this.closed ??= this.shut()
    return this.closed
  }

  private async shut(): Promise<void> {
    this.space?.close()
    if (this.writing) await new Promise<void>((resolve) => (this.idle = resolve))
    try {
      await this.db.close()
    } catch (thrown) {
      throw storageError(thrown, this.settings.directory)
    }
  }

  private lastGroup(): Group {
    const last = this.groups.at(-1)
    if (last !== undefined && last.bytes < MAX_GROUP_BYTES) return last
    const group: Group = { batch: this.db.batch(), waiters: [], bytes: 0 }
    this.groups.push(group)
    return group
  }

  private writeNext(): void {
    if (this.writing) return
    const group = this.groups.shift()
    if (group === undefined) {
      this.idle?.()
      return
    }
    this.writing = true
    group.batch.write({ sync: this.settings.durability === 'sync' }).then(
      () => {
        this.writing = false
        for (const waiter of group.waiters) waiter.resolve()
        this.writeNext()
      },
      (thrown) => {
        this.writing = false
        this.poison(group, this.failed(thrown))
        this.writeNext()
      },
    )
  }

  private failed(thrown: unknown): KvError {
    const error = storageError(thrown, this.settings.directory)
    if (isCorruption(thrown)) this.corruption ??= error
    return error
  }

  private poison(failed: Group, error: KvError): void {
    this.failure = new KvError('storage_failed', `${error.message}; no more writes are accepted`, error.hint)
    for (const waiter of failed.waiters) waiter.reject(error)
    for (const group of this.groups.splice(0)) {
      // What was never written is dropped natively too, without waiting for it.
      group.batch.close().catch(() => undefined)
      for (const waiter of group.waiters) waiter.reject(this.failure)
    }
  }
}

function closedError(): KvError {
  return new KvError('storage_failed', 'the storage has been closed', 'start the node again')
}
