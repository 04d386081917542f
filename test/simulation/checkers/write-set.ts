import type { WriteOp } from '../history.ts'

/** Some of the writes of one key, a bit each: united 32 at a time. */
export class WriteSet {
  private readonly numbers: ReadonlyMap<WriteOp, number>
  private readonly words: Uint32Array

  /** An empty one. @param numbers of all writes that there are, from 0. */
  constructor(numbers: ReadonlyMap<WriteOp, number>) {
    this.numbers = numbers
    this.words = new Uint32Array((numbers.size + 31) >>> 5)
  }

  has(write: WriteOp): boolean {
    const number = this.numberOf(write)
    return ((this.words[number >>> 5] as number) & (1 << (number & 31))) !== 0
  }

  add(write: WriteOp): void {
    const number = this.numberOf(write)
    this.words[number >>> 5] = (this.words[number >>> 5] as number) | (1 << (number & 31))
  }

  /** Both must be of the same key. */
  addAll({ words }: WriteSet): void {
    for (let i = 0; i < words.length; i++) this.words[i] = (this.words[i] as number) | (words[i] as number)
  }

  /** A new one, of those that are in both. */
  and({ words }: WriteSet): WriteSet {
    const both = new WriteSet(this.numbers)
    for (let i = 0; i < words.length; i++) both.words[i] = (this.words[i] as number) & (words[i] as number)
    return both
  }

  private numberOf(write: WriteOp): number {
    const number = this.numbers.get(write)
    if (number === undefined) throw new RangeError(`${write.request} is no write of this key`)
    return number
  }
}
