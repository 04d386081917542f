import { SLOTS } from '../../shared/slot.ts'

/** Numbers of 32 bits that a digest takes: the two halves of the sum, and how many records are in it. */
export const DIGEST_WORDS = 3

/** What a sum of digests is made of. */
export interface Summand {
  readonly lo: number
  readonly hi: number
}

/**
 * Sums of record digests, one for each place: adding a record or taking it out costs the same however many there
 * are. Each half is summed modulo 2^32, which unlike an exclusive or does not cancel what was counted twice.
 */
export class DigestSums {
  /** DIGEST_WORDS for each place. */
  readonly words: Uint32Array

  constructor(places: number, words: Uint32Array = new Uint32Array(places * DIGEST_WORDS)) {
    this.words = words
  }

  add(place: number, { lo, hi }: Summand): void {
    this.change(place, lo, hi, 1)
  }

  subtract(place: number, { lo, hi }: Summand): void {
    this.change(place, -lo, -hi, -1)
  }

  at(place: number): Uint32Array {
    return this.words.subarray(place * DIGEST_WORDS, (place + 1) * DIGEST_WORDS)
  }

  count(place: number): number {
    return this.words[place * DIGEST_WORDS + 2] as number
  }

  /** Whether the place holds the same here as `there` in the other. */
  same(place: number, other: DigestSums, there = place): boolean {
    const a = place * DIGEST_WORDS
    const b = there * DIGEST_WORDS
    const { words } = this
    return (
      words[a] === other.words[b] &&
      words[a + 1] === other.words[b + 1] &&
      words[a + 2] === other.words[b + 2]
    )
  }

  copy(place: number, other: DigestSums, there: number): void {
    const to = place * DIGEST_WORDS
    const from = there * DIGEST_WORDS
    const { words } = other
    this.words[to] = words[from] as number
    this.words[to + 1] = words[from + 1] as number
    this.words[to + 2] = words[from + 2] as number
  }

  clear(from: number, to: number): void {
    this.words.fill(0, from * DIGEST_WORDS, to * DIGEST_WORDS)
  }

  /** Stored modulo 2^32, negative numbers too. */
  private change(place: number, lo: number, hi: number, count: number): void {
    const at = place * DIGEST_WORDS
    const { words } = this
    words[at] = (words[at] as number) + lo
    words[at + 1] = (words[at + 1] as number) + hi
    words[at + 2] = (words[at + 2] as number) + count
  }
}

/** The leaves of the Merkle trees: for each slot the sum of its records' digests, and which have changed lately. */
export class Leaves {
  readonly sums = new DigestSums(SLOTS)
  /** Rises with every change. */
  version = 0
  private readonly marked = new Uint8Array(SLOTS)
  private changed: number[] = []

  add(slot: number, digest: Summand): void {
    this.sums.add(slot, digest)
    this.touch(slot)
  }

  subtract(slot: number, digest: Summand): void {
    this.sums.subtract(slot, digest)
    this.touch(slot)
  }

  /** The slot's digest as it was found by reading its records. */
  replace(slot: number, found: DigestSums, place: number): void {
    this.sums.copy(slot, found, place)
    this.touch(slot)
  }

  get dirty(): boolean {
    return this.changed.length > 0
  }

  /** The slots that have changed since the last call. */
  takeChanged(): readonly number[] {
    const { changed } = this
    this.changed = []
    for (const slot of changed) this.marked[slot] = 0
    return changed
  }

  private touch(slot: number): void {
    this.version++
    if (this.marked[slot] === 1) return
    this.marked[slot] = 1
    this.changed.push(slot)
  }
}
