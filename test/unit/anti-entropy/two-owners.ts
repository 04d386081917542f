import type { Clock } from '../../../server/ports/clock.ts'
import { EventLoop } from '../../simulation/event-loop.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { MemoryStorage } from '../../simulation/memory-storage.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { LocalNetwork } from './local-rpc.ts'
import { Owner, type OwnerSettings } from './owner.ts'

/** Two owners of every slot in virtual time, on disks in memory. */
export class TwoOwners {
  readonly network = new LocalNetwork()
  readonly disks = { a: new MemoryDisk(), b: new MemoryDisk() }
  a: Owner
  b: Owner
  private readonly loop: EventLoop
  private readonly prng: Prng
  private readonly settings: OwnerSettings
  private readonly storages = new Map<string, MemoryStorage>()

  constructor(settings: OwnerSettings = {}, seed = 1) {
    this.settings = settings
    this.prng = new Prng(seed)
    this.loop = new EventLoop({ prng: this.prng.fork('ties') })
    this.a = this.open('a')
    this.b = this.open('b')
  }

  get nowMs(): number {
    return this.loop.now / 1000
  }

  async start(): Promise<void> {
    for (const owner of [this.a, this.b]) await this.settled(owner.repair.recover())
    for (const owner of [this.a, this.b]) owner.repair.start()
  }

  /** Loses power, and opens the disk again. The owner must be started anew. */
  crash(id: 'a' | 'b'): Owner {
    this[id].repair.stop()
    this.storages.get(id)?.crash()
    this[id] = this.open(id)
    return this[id]
  }

  /** Lets virtual time pass until it resolves. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let done = false
    const end = () => {
      done = true
    }
    promise.then(end, end)
    await this.until('a promise to settle', () => done)
    return promise
  }

  async until(what: string, condition: () => boolean, withinMs = 600_000): Promise<void> {
    await this.loop.run(this.loop.now + withinMs * 1000, condition)
    if (!condition()) throw new Error(`waited ${withinMs} virtual ms in vain: ${what}`)
  }

  /** A comparison that `a` begins, and the repair of what it finds. */
  async compare(): Promise<void> {
    const { rounds } = this.a.repair.repairStatus()
    this.a.repair.compareNow()
    await this.until('a round to end', () => this.a.repair.repairStatus().rounds > rounds)
  }

  clock(): Clock {
    const { loop } = this
    return {
      wallMs: () => 1_700_000_000_000 + Math.floor(loop.now / 1000),
      monotonicMs: () => loop.now / 1000,
      after: (ms, fn) => loop.after(ms * 1000, fn),
    }
  }

  private open(id: 'a' | 'b'): Owner {
    const random = new SeededRandom({ prng: this.prng.fork(id) })
    const storage = new MemoryStorage(
      { disk: this.disks[id], clock: this.clock(), random },
      { fsyncMs: () => 1, readMs: () => 0.1, visible: 'when-durable', shortPages: false },
    )
    this.storages.set(id, storage)
    const components = { clock: this.clock(), random, storage, rpc: this.network.rpc(id) }
    return new Owner(components, id, this.settings)
  }
}
