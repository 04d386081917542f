import type { Clock, Timer } from '../../server/ports/clock.ts'
import type { Random } from '../../server/ports/random.ts'
import type { Storage, StorageEntry, StorageOp, StorageRange } from '../../server/ports/storage.ts'
import { KvError } from '../../shared/errors.ts'
import type { DiskHolder, MemoryDisk } from './memory-disk.ts'
import type { OrderedBytes } from './ordered-bytes.ts'

export interface MemoryStorageSettings {
  /** How long a write of so many bytes takes to be durable, milliseconds. */
  readonly fsyncMs: (random: Random, bytes: number) => number
  /** How long a page takes to be read, milliseconds. */
  readonly readMs: (random: Random) => number
  /** When reads begin to see a commit: the port leaves it open, so a seed draws it. */
  readonly visible: 'at-once' | 'when-durable'
  /** Pages may end before their limit, as large ones do. */
  readonly shortPages: boolean
}

interface Commit {
  readonly batch: readonly StorageOp[]
  readonly bytes: number
  resolve(): void
  reject(error: KvError): void
}

/**
 * The Storage port on a MemoryDisk, with the power cuts that real disks have. Like the real one it has one write in
 * flight, and what is committed meanwhile goes into the next.
 */
export class MemoryStorage implements Storage, DiskHolder {
  private readonly disk: MemoryDisk
  private readonly clock: Clock
  private readonly random: Random
  private readonly settings: MemoryStorageSettings
  /** What reads see, where that is more than the disk has. */
  private readonly view: OrderedBytes | undefined
  private readonly timers = new Set<Timer>()
  private flying: Commit[] = []
  private landing: Timer | undefined
  private waiting: Commit[] = []
  private failure: KvError | undefined
  private crashed = false
  private closed: Promise<void> | undefined
  private idle: (() => void) | undefined

  constructor(
    components: { disk: MemoryDisk; clock: Clock; random: Random },
    settings: MemoryStorageSettings,
  ) {
    this.disk = components.disk
    this.clock = components.clock
    this.random = components.random
    this.settings = settings
    this.disk.take(this)
    this.view = settings.visible === 'at-once' ? this.disk.snapshot() : undefined
  }

  healthy(): boolean {
    return this.failure === undefined
  }

  get(key: Buffer): Buffer | undefined {
    this.assertOpen()
    return (this.view ?? this.disk).get(key)
  }

  async iterate(range: StorageRange): Promise<StorageEntry[]> {
    if (this.crashed) return new Promise(() => {})
    this.assertOpen()
    let { limit } = range
    if (this.settings.shortPages && limit > 1) limit = 1 + this.random.below(limit)
    const found = (this.view ?? this.disk).range({ ...range, limit })
    await new Promise<void>((resolve) => this.after(this.settings.readMs(this.random), resolve))
    return found
  }

  commit(batch: readonly StorageOp[]): Promise<void> {
    if (this.crashed) return new Promise(() => {})
    if (this.failure !== undefined) return Promise.reject(this.failure)
    if (this.closed !== undefined) return Promise.reject(closedError())
    let bytes = 0
    const kept = batch.map((op): StorageOp => {
      bytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
      const key = Buffer.from(op.key)
      return op.type === 'put' ? { type: 'put', key, value: Buffer.from(op.value) } : { type: 'del', key }
    })
    this.view?.apply(kept)
    return new Promise((resolve, reject) => {
      this.waiting.push({ batch: kept, bytes, resolve, reject })
      this.writeNext()
    })
  }

  close(): Promise<void> {
    this.closed ??= this.shut()
    return this.closed
  }

  /**
   * The process is gone, or the power. Of the commits that had not resolved the earliest few may be on the disk all
   * the same, each of them wholly. Nothing that is still awaited ever settles.
   */
  crash(): void {
    if (this.crashed) return
    this.crashed = true
    for (const timer of this.timers) timer.cancel()
    const cutOff = this.keepSome([...this.flying, ...this.waiting])
    if (cutOff !== undefined) this.disk.cut(cutOff.batch)
    this.disk.release(this)
  }

  rotted(op: StorageOp): void {
    this.view?.apply([op])
  }

  private async shut(): Promise<void> {
    if (this.flying.length > 0) await new Promise<void>((resolve) => (this.idle = resolve))
    this.disk.release(this)
  }

  private writeNext(): void {
    if (this.flying.length > 0) return
    if (this.waiting.length === 0) {
      this.idle?.()
      return
    }
    this.flying = this.waiting
    this.waiting = []
    const bytes = this.flying.reduce((sum, commit) => sum + commit.bytes, 0)
    this.landing = this.after(this.settings.fsyncMs(this.random, bytes), () => this.land())
  }

  /** The write in flight, which may have been for long, takes no longer than one that begins now. */
  hasten(): void {
    if (this.flying.length === 0 || this.crashed) return
    this.landing?.cancel()
    this.landing = this.after(this.settings.fsyncMs(this.random, 0), () => this.land())
  }

  private land(): void {
    const commits = this.flying
    const refusal = this.disk.refusal()
    if (refusal === undefined) {
      for (const commit of commits) this.disk.write(commit.batch)
      this.flying = []
      for (const commit of commits) commit.resolve()
    } else {
      this.failure = new KvError('storage_failed', `the disk failed: ${refusal}`, 'start the node again')
      this.keepSome(commits)
      const refused = [...commits, ...this.waiting]
      this.flying = []
      this.waiting = []
      for (const commit of refused) commit.reject(this.failure)
    }
    this.writeNext()
  }

  /** @returns the first that is not kept. */
  private keepSome(commits: readonly Commit[]): Commit | undefined {
    if (commits.length === 0) return undefined
    const kept = this.random.below(commits.length + 1)
    for (const commit of commits.slice(0, kept)) this.disk.write(commit.batch)
    return commits[kept]
  }

  private after(ms: number, fn: () => void): Timer {
    const timer = this.clock.after(ms, () => {
      this.timers.delete(timer)
      fn()
    })
    this.timers.add(timer)
    return timer
  }

  private assertOpen(): void {
    if (this.crashed || this.closed !== undefined) throw closedError()
  }
}

function closedError(): KvError {
  return new KvError('storage_failed', 'the storage has been closed', 'start the node again')
}
