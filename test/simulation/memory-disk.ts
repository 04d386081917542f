import type { StorageEntry, StorageOp, StorageRange } from '../../server/ports/storage.ts'
import { OrderedBytes } from './ordered-bytes.ts'

/** The storage on a disk. */
export interface DiskHolder {
  /** What lies on the disk has changed of itself. */
  rotted(op: StorageOp): void
}

/** A disk in memory: what it holds outlives the storages that are opened on it, one after the other. */
export class MemoryDisk {
  /** Every commit fails while it is set. */
  full = false
  /** What becomes of a batch on its way; undefined leaves it as it is. */
  distort: ((batch: readonly StorageOp[]) => readonly StorageOp[]) | undefined
  /** What is left of a batch that the power cut off; undefined leaves nothing. */
  tear: ((batch: readonly StorageOp[]) => readonly StorageOp[]) | undefined
  private content = new OrderedBytes()
  private failures = 0
  private holder: DiskHolder | undefined

  /** The next `commits` commits fail. */
  failNext(commits = 1): void {
    this.failures = commits
  }

  get failsNext(): boolean {
    return this.failures > 0
  }

  /** Whether the commit that is about to be made fails, and why. */
  refusal(): string | undefined {
    if (this.full) return 'no space left on device'
    if (this.failures === 0) return undefined
    this.failures--
    return 'input/output error'
  }

  /** As LevelDB's lock does: one storage at a time. */
  take(holder: DiskHolder): void {
    if (this.holder !== undefined) throw new Error('the disk is in use by another storage')
    this.holder = holder
  }

  release(holder: DiskHolder): void {
    if (this.holder === holder) this.holder = undefined
  }

  get(key: Buffer): Buffer | undefined {
    return this.content.get(key)
  }

  range(range: StorageRange): StorageEntry[] {
    return this.content.range(range)
  }

  write(batch: readonly StorageOp[]): void {
    this.content.apply(this.distort?.(batch) ?? batch)
  }

  /** The power goes while the batch is written. */
  cut(batch: readonly StorageOp[]): void {
    this.content.apply(this.tear?.(batch) ?? [])
  }

  /** What lies on the disk changes of itself. */
  rot(op: StorageOp): void {
    this.content.apply([op])
    this.holder?.rotted(op)
  }

  snapshot(): OrderedBytes {
    return new OrderedBytes(this.content)
  }

  /** What a disk that was replaced, or a backup that was put back, holds; nothing without an argument. */
  restore(content = new OrderedBytes()): void {
    if (this.holder !== undefined) throw new Error('the disk is in use')
    this.content = new OrderedBytes(content)
  }
}
