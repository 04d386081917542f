import { expect } from 'chai'
import { DigestSums } from '../../../server/anti-entropy/leaves.ts'
import { MerkleTree, WIDTH } from '../../../server/anti-entropy/merkle-tree.ts'
import { SLOTS } from '../../../shared/slot.ts'

const slots = Array.from({ length: 1000 }, (_, i) => i * 7)
const digest = (seed: number) => ({ lo: Math.imul(seed, 77_777) >>> 0, hi: Math.imul(seed, 33_331) >>> 0 })

function sums(): DigestSums {
  const all = new DigestSums(SLOTS)
  for (let slot = 0; slot < SLOTS; slot++) all.add(slot, digest(slot + 1))
  return all
}

/** Down the differing branches of two trees, as two nodes do it. */
function descend(ours: MerkleTree, theirs: MerkleTree): { slots: number[]; asked: number } {
  let asked = 1
  let nodes = ours.differing(ours.height - 1, [0], theirs.digests(ours.height - 1, [0]))
  for (let level = ours.height - 1; level > 0; level--) {
    const children = ours.children(level, nodes)
    asked += children.length
    nodes = ours.differing(level - 1, children, theirs.digests(level - 1, children))
  }
  return { slots: nodes.map((node) => slots[node] as number), asked }
}

function treeOf(of: DigestSums, over: readonly number[] = slots): MerkleTree {
  const chosen = new DigestSums(over.length)
  for (const [i, slot] of over.entries()) chosen.copy(i, of, slot)
  return new MerkleTree(chosen)
}

describe('MerkleTree', () => {
  it('has one root over levels that are each a WIDTHth of the one below', () => {
    const tree = treeOf(sums())
    expect(tree.levels.map((_, level) => tree.size(level))).to.deep.equal([1000, 63, 4, 1])
    expect(treeOf(sums(), [5]).height).to.equal(1)
    expect(tree.children(1, [62])).to.deep.equal([992, 993, 994, 995, 996, 997, 998, 999])
    expect(tree.children(3, [0])).to.deep.equal([0, 1, 2, 3])
  })

  it('leads to exactly the slots that differ, along their branches only', () => {
    const other = sums()
    const changed = [0, 7 * 333, 7 * 999]
    for (const slot of changed) other.add(slot, digest(99))
    other.add(1, digest(5))
    const { slots: found, asked } = descend(treeOf(sums()), treeOf(other))
    expect(found).to.deep.equal(changed)
    expect(asked).to.be.at.most(1 + changed.length * WIDTH * 3)
  })

  it('sees each single change: of either half, of a count, and of two slots that are swapped', () => {
    const root = (of: DigestSums) => {
      const tree = treeOf(of)
      return tree.digests(tree.height - 1, [0])
    }
    const before = root(sums())
    for (const word of [0, 1, 2]) {
      const other = sums()
      other.words[7 * 500 * 3 + word] = (other.words[7 * 500 * 3 + word] as number) + 1
      expect(before.same(0, root(other)), `word ${word}`).to.equal(false)
    }
    const swapped = sums()
    swapped.copy(7, sums(), 14)
    swapped.copy(14, sums(), 7)
    expect(before.same(0, root(swapped))).to.equal(false)
    expect(before.same(0, root(sums()))).to.equal(true)
  })

  it('refuses nodes that it does not have', () => {
    const tree = treeOf(sums())
    expect(() => tree.digests(0, [1000])).to.throw(RangeError)
    expect(() => tree.digests(4, [0])).to.throw(RangeError)
  })
})
