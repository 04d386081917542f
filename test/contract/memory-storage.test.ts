import type { Clock } from '../../server/ports/clock.ts'
import { MemoryDisk } from '../simulation/memory-disk.ts'
import { MemoryStorage, type MemoryStorageSettings } from '../simulation/memory-storage.ts'
import { Prng } from '../simulation/prng.ts'
import { SeededRandom } from '../simulation/seeded-random.ts'
import { describeStorage } from './storage.contract.ts'

/** Here only the order of things counts. */
const clock: Clock = {
  wallMs: () => 0,
  monotonicMs: () => 0,
  after: (_ms, fn) => {
    const immediate = setImmediate(fn)
    return { cancel: () => clearImmediate(immediate) }
  },
}

for (const visible of ['at-once', 'when-durable'] as const) {
  for (const shortPages of [false, true]) {
    describeStorage(`MemoryStorage, visible ${visible}, ${shortPages ? 'short' : 'full'} pages`, async () => {
      const disk = new MemoryDisk()
      const random = new SeededRandom({ prng: new Prng(1) })
      const settings: MemoryStorageSettings = { fsyncMs: () => 1, readMs: () => 1, visible, shortPages }
      return {
        open: async () => new MemoryStorage({ disk, clock, random }, settings),
        failNext: () => disk.failNext(),
        dispose: async () => undefined,
      }
    })
  }
}
