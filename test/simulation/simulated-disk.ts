import type { KeyRecord } from '../../server/causality/record.ts'
import { CorruptRecord, decodeRecord } from '../../server/causality/record-codec.ts'
import type { Clock } from '../../server/ports/clock.ts'
import type { Storage, StorageOp } from '../../server/ports/storage.ts'
import { dataAddress } from '../../server/replica/data-address.ts'
import type { Key } from '../../shared/key.ts'
import { digestFault } from './digest-fault.ts'
import { DiskDamage } from './disk-damage.ts'
import { DiskWatcher } from './disk-watcher.ts'
import { MemoryDisk } from './memory-disk.ts'
import { MemoryStorage } from './memory-storage.ts'
import type { Observations } from './observations.ts'
import type { OrderedBytes } from './ordered-bytes.ts'
import type { Prng } from './prng.ts'
import { SeededRandom } from './seeded-random.ts'
import type { World } from './world.ts'

export interface SimulatedDiskSettings {
  readonly node: string
  /** Mean time of a commit when the disk is healthy, microseconds. */
  readonly commitMicros: number
}

/** The disk of one machine, which the storages of its processes follow each other on. */
export class SimulatedDisk {
  /** How many times slower than usual it is. */
  slowdown = 1
  /** Told once, of the next commit. */
  onNextCommit: (() => void) | undefined
  /** Told of each commit that fails. */
  onFailure: (() => void) | undefined
  /** Drawn when the data directory was made. */
  incarnation: string
  readonly damage: DiskDamage
  private readonly disk = new MemoryDisk()
  private readonly world: World
  private readonly prng: Prng
  private readonly settings: SimulatedDiskSettings
  private storage: MemoryStorage | undefined
  private readonly watcher: DiskWatcher

  constructor(
    components: { world: World; prng: Prng; observations: Observations },
    settings: SimulatedDiskSettings,
  ) {
    this.world = components.world
    this.prng = components.prng
    this.settings = settings
    const held = (key: Key) => this.look(key).record
    this.watcher = new DiskWatcher({ observations: components.observations, held })
    this.incarnation = this.drawIncarnation()
    this.damage = new DiskDamage({ disk: this.disk, world: components.world }, settings)
  }

  open(clock: Clock): Storage {
    const { prng } = this
    const storage = new MemoryStorage(
      { disk: this.disk, clock, random: new SeededRandom({ prng: prng.fork('storage') }) },
      {
        fsyncMs: () => (prng.exponential(this.settings.commitMicros) * this.slowdown) / 1000,
        readMs: () => (prng.exponential(this.settings.commitMicros / 10) * this.slowdown) / 1000,
        visible: prng.chance(0.5) ? 'at-once' : 'when-durable',
        shortPages: prng.chance(0.5),
      },
    )
    this.storage = storage
    return {
      get: (key) => storage.get(key),
      iterate: (range) => storage.iterate(range),
      close: () => storage.close(),
      commit: (batch) => {
        this.watch(batch)
        const committed = storage.commit(batch)
        committed.catch(() => this.onFailure?.())
        return committed
      },
    }
  }

  /** The process that uses it has ended: commits that had not resolved may be lost, in whole. */
  crash(): void {
    this.storage?.crash()
    this.storage = undefined
    this.checkDigests()
  }

  /** A new disk in the place of this one, empty or with an older content. Only between two processes. */
  replace(content?: OrderedBytes): void {
    this.disk.restore(content)
    this.incarnation = this.drawIncarnation()
  }

  /** To an older content, with all that tells one disk from another. Only between two processes. */
  putBack(content: OrderedBytes): void {
    this.disk.restore(content)
  }

  /** @returns how to put it back as it is now, between two processes: it has not changed, and is no copy. */
  setAside(): () => void {
    const content = this.disk.snapshot()
    const { incarnation } = this
    return () => {
      this.disk.restore(content)
      this.incarnation = incarnation
    }
  }

  snapshot(): OrderedBytes {
    return this.disk.snapshot()
  }

  /** The next commit fails. */
  failNext(): void {
    this.disk.failNext()
  }

  set full(full: boolean) {
    this.disk.full = full
  }

  /** A commit has failed lately, or would fail now: no node can start on it. */
  get failing(): boolean {
    return this.disk.full || this.disk.failsNext
  }

  /** As good as new, with what it holds. */
  heal(): void {
    this.slowdown = 1
    this.onNextCommit = undefined
    this.disk.full = false
    this.disk.failNext(0)
    this.damage.heal()
    this.storage?.hasten()
  }

  /** What the disk holds of a key; no record where that is damaged. */
  look(key: Key): { bytes: Buffer | undefined; record: KeyRecord | undefined } {
    const bytes = this.disk.get(dataAddress(key))
    try {
      return { bytes, record: bytes === undefined ? undefined : decodeRecord(key, bytes) }
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      return { bytes, record: undefined }
    }
  }

  /** The digests on the disk must match the records on it, whenever the power goes. */
  private checkDigests(): void {
    const { world, settings } = this
    // Of what is there now: the next process, or another disk, may be there before all is read.
    digestFault(this.disk.snapshot(), this.damage.slots).then(
      (fault) => {
        if (fault === undefined) return
        world.failures.push({
          checker: 'digests',
          key: '',
          message: `on the disk of ${settings.node}: ${fault}`,
        })
      },
      (thrown) => world.fail(settings.node, 'has digests that cannot be read', thrown),
    )
  }

  private watch(batch: readonly StorageOp[]): void {
    this.onNextCommit?.()
    this.onNextCommit = undefined
    for (const op of batch) {
      this.world.hash.bytes(op.key)
      if (op.type === 'put') this.world.hash.bytes(op.value)
      this.watcher.see(op)
    }
  }

  private drawIncarnation(): string {
    return this.prng.u32().toString(16).padStart(8, '0')
  }
}
