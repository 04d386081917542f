import { expect } from 'chai'
import { LeafJournal } from '../../../server/anti-entropy/leaf-journal.ts'
import { Leaves } from '../../../server/anti-entropy/leaves.ts'
import type { Storage, StorageOp } from '../../../server/ports/storage.ts'
import { SLOTS } from '../../../shared/slot.ts'
import { OrderedBytes } from '../../simulation/ordered-bytes.ts'
import { Prng } from '../../simulation/prng.ts'

function storageOf(disk: OrderedBytes): Storage {
  return { iterate: (range) => Promise.resolve(disk.range({ ...range, limit: 7 })) } as Storage
}

async function recovered(
  disk: OrderedBytes,
): Promise<{ leaves: Leaves; journal: LeafJournal; complete: boolean }> {
  const leaves = new Leaves()
  const journal = new LeafJournal({ leaves })
  return { leaves, journal, complete: await journal.recover(storageOf(disk)) }
}

const sizeOf = (ops: readonly StorageOp[]) =>
  ops.reduce((sum, op) => sum + op.key.length + (op.type === 'put' ? op.value.length : 0), 0)

describe('LeafJournal', () => {
  it('finds the leaves as they were with any batch, over thousands of them and many restarts', async function () {
    this.timeout(20_000)
    const prng = new Prng(3)
    const disk = new OrderedBytes()
    let { leaves, journal } = await recovered(disk)
    for (let batch = 0; batch < 5_000; batch++) {
      for (let change = prng.below(4); change >= 0; change--)
        leaves.add(prng.chance(0.5) ? prng.below(SLOTS) : prng.below(300), { lo: prng.u32(), hi: prng.u32() })
      disk.apply(journal.ops())
      if (batch % 497 !== 0) continue
      const again = await recovered(disk)
      expect(again.complete).to.equal(true)
      expect(
        Buffer.from(again.leaves.sums.words.buffer).equals(Buffer.from(leaves.sums.words.buffer)),
      ).to.equal(true)
      leaves = again.leaves
      journal = again.journal
    }
  })

  it('adds a few bytes to a batch, and nothing to one that changes no data', async () => {
    const { leaves, journal } = await recovered(new OrderedBytes())
    let bytes = 0
    for (let batch = 0; batch < 10_000; batch++) {
      for (let i = 0; i < 40; i++) leaves.add((batch * 40 + i * 409) % SLOTS, { lo: i, hi: i })
      bytes += sizeOf(journal.ops())
    }
    expect(bytes / 400_000).to.be.lessThan(25)
    expect(journal.ops()).to.deep.equal([])
  })

  it('holds a bounded part of the disk', async () => {
    const disk = new OrderedBytes()
    const { leaves, journal } = await recovered(disk)
    for (let batch = 0; batch < 3_000; batch++) {
      leaves.add(batch % SLOTS, { lo: 1, hi: 1 })
      disk.apply(journal.ops())
    }
    const entries = disk.range({ gte: Buffer.from('m'), lt: Buffer.from('n'), limit: 1e6 })
    expect(entries.length).to.be.at.most(1024 + 64)
  })

  it('says where the leaves are missing or cannot be read', async () => {
    expect((await recovered(new OrderedBytes())).complete).to.equal(false)
    const disk = new OrderedBytes()
    const { leaves, journal } = await recovered(disk)
    leaves.add(5, { lo: 1, hi: 1 })
    disk.apply(journal.ops())
    expect((await recovered(disk)).complete).to.equal(true)
    const [[address]] = disk.range({ gte: Buffer.from('mt'), lt: Buffer.from('mu'), limit: 1 }) as [
      [Buffer, Buffer],
    ]
    disk.apply([{ type: 'put', key: address, value: Buffer.from('nonsense') }])
    disk.apply([{ type: 'put', key: Buffer.from('mtx'), value: Buffer.from('1') }])
    expect((await recovered(disk)).complete).to.equal(false)
  })
})
