import { expect } from 'chai'
import type { Clock } from '../../../server/ports/clock.ts'
import type { StorageOp } from '../../../server/ports/storage.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { MemoryStorage, type MemoryStorageSettings } from '../../simulation/memory-storage.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'

/** Time passes only when `advance` is called. */
class StoppedClock implements Clock {
  private now = 0
  private readonly due = new Map<object, { at: number; fn: () => void }>()

  wallMs(): number {
    return this.now
  }

  monotonicMs(): number {
    return this.now
  }

  after(ms: number, fn: () => void) {
    const timer = { cancel: () => void this.due.delete(timer) }
    this.due.set(timer, { at: this.now + ms, fn })
    return timer
  }

  async advance(ms: number): Promise<void> {
    this.now += ms
    for (const [timer, { at, fn }] of this.due) {
      if (at > this.now) continue
      this.due.delete(timer)
      fn()
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const put = (key: string, value: string): StorageOp => ({
  type: 'put',
  key: Buffer.from(key),
  value: Buffer.from(value),
})

describe('MemoryStorage', () => {
  let disk: MemoryDisk
  let clock: StoppedClock
  let settled: string[]

  beforeEach(() => {
    disk = new MemoryDisk()
    clock = new StoppedClock()
    settled = []
  })

  function openStorage(seed = 1, settings: Partial<MemoryStorageSettings> = {}): MemoryStorage {
    const random = new SeededRandom({ prng: new Prng(seed) })
    return new MemoryStorage(
      { disk, clock, random },
      { fsyncMs: () => 10, readMs: () => 1, visible: 'when-durable', shortPages: false, ...settings },
    )
  }

  function commit(storage: MemoryStorage, name: string): void {
    storage.commit([put(name, name), put('last', name)]).then(
      () => settled.push(name),
      () => settled.push(`${name} failed`),
    )
  }

  const has = (storage: MemoryStorage, key: string) => storage.get(Buffer.from(key)) !== undefined

  it('resolves a commit after the time that the fsync takes, and what gathered meanwhile after the next', async () => {
    const storage = openStorage()
    commit(storage, 'a')
    commit(storage, 'b')
    await clock.advance(9)
    expect(settled).to.deep.equal([])
    await clock.advance(1)
    expect(settled).to.deep.equal(['a'])
    await clock.advance(10)
    expect(settled).to.deep.equal(['a', 'b'])
  })

  it('ends a long write soon when the disk is mended, once, and goes on with what gathered', async () => {
    let fsyncMs = 10_000
    const storage = openStorage(1, { fsyncMs: () => fsyncMs })
    commit(storage, 'a')
    commit(storage, 'b')
    await clock.advance(100)
    fsyncMs = 10
    storage.hasten()
    await clock.advance(10)
    expect(settled).to.deep.equal(['a'])
    await clock.advance(10)
    storage.hasten()
    await clock.advance(20_000)
    expect(settled).to.deep.equal(['a', 'b'])
  })

  it('shows a commit to reads at once, or only when it is durable', async () => {
    for (const visible of ['at-once', 'when-durable'] as const) {
      disk = new MemoryDisk()
      const storage = openStorage(1, { visible })
      commit(storage, 'a')
      expect(has(storage, 'a')).to.equal(visible === 'at-once')
      await clock.advance(10)
      expect(has(storage, 'a')).to.equal(true)
    }
  })

  it('keeps over a crash what had resolved, and of the rest the earliest few, wholly', async () => {
    const survivors = new Set<number>()
    for (let seed = 1; seed <= 40; seed++) {
      disk = new MemoryDisk()
      settled = []
      const storage = openStorage(seed, { visible: seed % 2 === 0 ? 'at-once' : 'when-durable' })
      commit(storage, 'a')
      await clock.advance(10)
      for (const name of ['b', 'c', 'd']) commit(storage, name)
      storage.crash()
      await clock.advance(100)
      expect(settled).to.deep.equal(['a'])
      const after = openStorage(seed)
      const kept = ['a', 'b', 'c', 'd'].filter((name) => has(after, name))
      expect(kept).to.deep.equal(['a', 'b', 'c', 'd'].slice(0, kept.length))
      expect(after.get(Buffer.from('last'))?.toString()).to.equal(kept.at(-1))
      survivors.add(kept.length)
    }
    expect(survivors).to.deep.equal(new Set([1, 2, 3, 4]))
  })

  it('settles nothing after a crash', async () => {
    const storage = openStorage()
    commit(storage, 'a')
    storage.iterate({ gte: Buffer.from('a'), lt: Buffer.from('z'), limit: 9 }).then(
      () => settled.push('read'),
      () => settled.push('read failed'),
    )
    storage.crash()
    commit(storage, 'b')
    await clock.advance(100)
    expect(settled).to.deep.equal([])
  })

  it('fails every commit of a full disk, until it is opened again with room', async () => {
    const storage = openStorage()
    disk.full = true
    commit(storage, 'a')
    await clock.advance(10)
    disk.full = false
    commit(storage, 'b')
    await clock.advance(10)
    expect(settled).to.deep.equal(['a failed', 'b failed'])
    expect(storage.healthy()).to.equal(false)
    await storage.close()
    const again = openStorage()
    commit(again, 'c')
    await clock.advance(10)
    expect(has(again, 'c')).to.equal(true)
  })

  it('leaves open whether a commit that failed is on the disk', async () => {
    const outcomes = new Set<boolean>()
    for (let seed = 1; seed <= 20; seed++) {
      disk = new MemoryDisk()
      disk.failNext()
      const storage = openStorage(seed)
      commit(storage, 'a')
      await clock.advance(10)
      storage.crash()
      outcomes.add(has(openStorage(seed), 'a'))
    }
    expect(outcomes.size).to.equal(2)
  })

  it('is one at a time on its disk', async () => {
    const storage = openStorage()
    expect(() => openStorage()).to.throw('in use')
    await storage.close()
    openStorage()
  })

  it('can be put back to an earlier state, and wiped', async () => {
    const storage = openStorage()
    commit(storage, 'a')
    await clock.advance(10)
    const backup = disk.snapshot()
    commit(storage, 'b')
    await clock.advance(10)
    await storage.close()
    disk.restore(backup)
    const restored = openStorage()
    expect([has(restored, 'a'), has(restored, 'b')]).to.deep.equal([true, false])
    await restored.close()
    disk.restore()
    expect(has(openStorage(), 'a')).to.equal(false)
  })
})
