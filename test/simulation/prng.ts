/**
 * sfc32 (Chris Doty-Humphrey, PractRand): a small, fast generator with 128 bits of state.
 *
 * Every component of a simulation forks its own, so that a component which draws once more than before
 * does not change what all the others see.
 */
export class Prng {
  private a: number
  private b: number
  private c: number
  private counter = 1

  constructor(seed: number, label = '') {
    this.a = seed >>> 0
    this.b = fnv1a(label, 0x811c9dc5)
    this.c = fnv1a(label, 0x9747b28c)
    for (let round = 0; round < 12; round++) this.u32()
  }

  /** Uniform in [0, 2^32). */
  u32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0
    this.counter = (this.counter + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (this.c << 21) | (this.c >>> 11)
    this.c = (this.c + sum) | 0
    return sum >>> 0
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * n)
  }

  /** Uniform integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** Uniform in [0, 1). */
  real(): number {
    return this.u32() / 0x1_0000_0000
  }

  /** True with the probability `p`. */
  chance(p: number): boolean {
    return p > 0 && this.real() < p
  }

  /** Exponentially distributed, cut at twenty times the mean. */
  exponential(mean: number): number {
    return Math.min(-Math.log(1 - this.real()), 20) * mean
  }

  pick<T>(items: readonly T[]): T {
    if (items.length === 0) throw new RangeError('nothing to pick from')
    return items[this.below(items.length)] as T
  }

  /** A new array, shuffled (Fisher and Yates). */
  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items]
    for (let last = shuffled.length - 1; last > 0; last--) {
      const other = this.below(last + 1)
      const moved = shuffled[last] as T
      shuffled[last] = shuffled[other] as T
      shuffled[other] = moved
    }
    return shuffled
  }

  /** A generator of its own, which depends on this one's state and on the label. */
  fork(label: string): Prng {
    return new Prng(this.u32(), label)
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}
