import { DIGEST_WORDS, DigestSums } from './leaves.ts'
import { scramble } from './record-digest.ts'

/** Children of a node. Wider than two: fewer messages for the same bytes. */
export const WIDTH = 16

/**
 * A hash tree (Merkle, "A Digital Signature Based on a Conventional Encryption Function", 1987) over the digests of
 * some slots: level 0 is theirs, in the order of the slots, and each level above hashes WIDTH nodes of the one
 * below into one, up to the single root. Two trees over the same slots have the same shape.
 */
export class MerkleTree {
  readonly levels: readonly DigestSums[]

  /** @param slots the digest of each; they are not copied, and must not change. */
  constructor(slots: DigestSums) {
    let level = slots
    const levels = [level]
    while (sizeOf(level) > 1) {
      level = above(level)
      levels.push(level)
    }
    this.levels = levels
  }

  get height(): number {
    return this.levels.length
  }

  size(level: number): number {
    return sizeOf(this.levels[level] as DigestSums)
  }

  /** The digests of the nodes, one after the other. @throws RangeError for a node that the tree does not have. */
  digests(level: number, nodes: readonly number[]): DigestSums {
    const from = this.levels[level]
    if (from === undefined) throw new RangeError(`a tree of ${this.height} levels has no level ${level}`)
    const found = new DigestSums(nodes.length)
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i] as number
      if (node >= sizeOf(from)) throw new RangeError(`level ${level} has no node ${node}`)
      found.copy(i, from, node)
    }
    return found
  }

  /** Those of the nodes whose digests are others than `theirs`, which are in the order of the nodes. */
  differing(level: number, nodes: readonly number[], theirs: DigestSums): number[] {
    const ours = this.levels[level] as DigestSums
    return nodes.filter((node, i) => !ours.same(node, theirs, i))
  }

  /** The nodes below these. */
  children(level: number, nodes: readonly number[]): number[] {
    const end = this.size(level - 1)
    const children: number[] = []
    for (const node of nodes) {
      for (let child = node * WIDTH; child < Math.min(end, (node + 1) * WIDTH); child++) children.push(child)
    }
    return children
  }
}

function sizeOf({ words }: DigestSums): number {
  return words.length / DIGEST_WORDS
}

function above(level: DigestSums): DigestSums {
  const size = sizeOf(level)
  const parents = new DigestSums(Math.ceil(size / WIDTH))
  const { words } = level
  for (let parent = 0; parent * WIDTH < size; parent++) {
    let lo = 0
    let hi = 0
    let count = 0
    const end = Math.min(size, (parent + 1) * WIDTH) * DIGEST_WORDS
    for (let at = parent * WIDTH * DIGEST_WORDS; at < end; at += DIGEST_WORDS) {
      // A product with an odd number, and a turn, lose nothing: a change of one child always arrives.
      lo = Math.imul(((lo << 5) | (lo >>> 27)) ^ (words[at] as number), 0x9e37_79b1)
      hi = Math.imul(((hi << 11) | (hi >>> 21)) ^ (words[at + 1] as number), 0x85eb_ca77)
      count = (count + (words[at + 2] as number)) | 0
    }
    const at = parent * DIGEST_WORDS
    parents.words[at] = scramble(lo ^ count)
    parents.words[at + 1] = scramble(hi)
    parents.words[at + 2] = count
  }
  return parents
}
