import { randomBytes, randomFillSync, randomInt } from 'node:crypto'
import type { Random } from '../ports/random.ts'

const POOL_WORDS = 1024

/** Numbers that nobody can foretell, from the operating system's generator, drawn in batches. */
export class CryptoRandom implements Random {
  private readonly pool = new Uint32Array(POOL_WORDS)
  private used = POOL_WORDS

  u32(): number {
    if (this.used === POOL_WORDS) {
      randomFillSync(this.pool)
      this.used = 0
    }
    return this.pool[this.used++] as number
  }

  below(n: number): number {
    return randomInt(n)
  }

  bytes(count: number): Buffer {
    return randomBytes(count)
  }
}
