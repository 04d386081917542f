import type { StorageEntry, StorageOp, StorageRange } from '../../server/ports/storage.ts'
import { OrderedBytes } from './ordered-bytes.ts'

/** A disk in memory: what it holds outlives the storages that are opened on it, one after the other. */
export class MemoryDisk {
  /** Every commit fails while it is set. */
  full = false
  private content = new OrderedBytes()
  private failures = 0
  private holder: object | undefined

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
  take(holder: object): void {
    if (this.holder !== undefined) throw new Error('the disk is in use by another storage')
    this.holder = holder
  }

  release(holder: object): void {
    if (this.holder === holder) this.holder = undefined
  }

  get(key: Buffer): Buffer | undefined {
    return this.content.get(key)
  }

  range(range: StorageRange): StorageEntry[] {
    return this.content.range(range)
  }

  write(batch: readonly StorageOp[]): void {
    this.content.apply(batch)
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
