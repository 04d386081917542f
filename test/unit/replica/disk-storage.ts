import type { MemoryDisk } from '../../simulation/memory-disk.ts'
import { MemoryStorage } from '../../simulation/memory-storage.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { readyClock } from '../ready-clock.ts'

/** A storage on the disk that is done with everything at once; another one on the same disk finds what it left. */
export function diskStorage(disk: MemoryDisk): MemoryStorage {
  const random = new SeededRandom({ prng: new Prng(1, 'storage') })
  return new MemoryStorage(
    { disk, clock: readyClock, random },
    { fsyncMs: () => 0, readMs: () => 0, visible: 'when-durable', shortPages: false },
  )
}
