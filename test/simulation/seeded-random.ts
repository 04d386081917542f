import type { Random } from '../../server/ports/random.ts'
import type { Prng } from './prng.ts'

/** The Random port over a seeded generator. */
export class SeededRandom implements Random {
  private readonly prng: Prng

  constructor(components: { prng: Prng }) {
    this.prng = components.prng
  }

  u32(): number {
    return this.prng.u32()
  }

  below(n: number): number {
    return this.prng.below(n)
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let at = 0; at < count; at++) bytes[at] = this.prng.u32() & 0xff
    return bytes
  }
}
