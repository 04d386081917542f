import { expect } from 'chai'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { MortalKeys } from '../../../server/replica/mortal-keys.ts'
import { keyFromText } from '../../../shared/key.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { record, sibling } from '../causality/records.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { diskStorage } from './disk-storage.ts'

const SLOT = 5
const TOMBSTONE = record([], [sibling('a1', 1, { value: null })])
const LASTING = record([], [sibling('a2', 2)])
const expiring = (expiresAtMs: number) => record([], [sibling('a3', 3, { expiresAtMs })])

async function mortalOn(disk: MemoryDisk) {
  const storage = diskStorage(disk)
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e7 })
  const mortal = new MortalKeys({ storage, commit })
  await mortal.recover()
  const write = (name: string, before: KeyRecord, after: KeyRecord) =>
    mortal.replace(SLOT, keyFromText(name), before, after)
  const dead = async (wallMs: number) => {
    const found: string[] = []
    for await (const keys of mortal.dead(SLOT, wallMs)) found.push(...keys)
    return found
  }
  return { mortal, write, dead, idle: () => commit.idle(), close: () => storage.close() }
}

describe('MortalKeys', () => {
  it('lists tombstones and what expires, and no longer what was written anew or removed', async () => {
    const { write, dead, idle } = await mortalOn(new MemoryDisk())
    write('stays', EMPTY_RECORD, LASTING)
    write('deleted', LASTING, TOMBSTONE)
    write('expires', EMPTY_RECORD, expiring(100))
    write('again', TOMBSTONE, LASTING)
    await idle()
    expect(await dead(99)).to.deep.equal(['deleted'])
    expect(await dead(100)).to.deep.equal(['deleted', 'expires'])
    write('deleted', TOMBSTONE, EMPTY_RECORD)
    write('expires', expiring(100), expiring(200))
    await idle()
    expect(await dead(150)).to.deep.equal([])
    expect(await dead(200)).to.deep.equal(['expires'])
  })

  it('knows from memory where nothing can be dead, also after a restart', async () => {
    const disk = new MemoryDisk()
    const { mortal, write, dead, idle, close } = await mortalOn(disk)
    expect(mortal.anyDead(SLOT, 1e15)).to.equal(false)
    write('later', EMPTY_RECORD, expiring(500))
    write('soon', EMPTY_RECORD, expiring(100))
    await idle()
    expect([mortal.anyDead(SLOT, 99), mortal.anyDead(SLOT, 100)]).to.deep.equal([false, true])
    write('soon', expiring(100), EMPTY_RECORD)
    await idle()
    await dead(100)
    expect([mortal.anyDead(SLOT, 499), mortal.anyDead(SLOT, 500)]).to.deep.equal([false, true])
    await close()
    const again = (await mortalOn(disk)).mortal
    expect([again.size, again.in(SLOT)]).to.deep.equal([1, 1])
    expect([again.anyDead(SLOT, 499), again.anyDead(SLOT, 500)]).to.deep.equal([false, true])
  })

  it('counts those that expire apart from those that may go at once, as tombstones and long pasts do', async () => {
    const disk = new MemoryDisk()
    const { mortal, write, idle, close } = await mortalOn(disk)
    const old = record(['a1', 'b1', 'c1', 'd1', 'e1', 'f1', 'g1', 'h1', 'i1'], [sibling('j1', 1)])
    write('old', EMPTY_RECORD, old)
    write('deleted', EMPTY_RECORD, TOMBSTONE)
    for (const name of ['soon', 'later', 'never']) write(name, EMPTY_RECORD, expiring(100))
    write('never', expiring(100), LASTING)
    await idle()
    expect([mortal.size, mortal.expiring]).to.deep.equal([4, 2])
    mortal.strike(SLOT, keyFromText('soon'))
    mortal.strike(SLOT, keyFromText('deleted'))
    await idle()
    expect([mortal.size, mortal.expiring]).to.deep.equal([2, 1])
    await close()
    expect((await mortalOn(disk)).mortal.expiring).to.equal(1)
  })

  it('finds what was listed a moment ago, and is not on the disk yet', async () => {
    const { mortal, write, dead } = await mortalOn(new MemoryDisk())
    write('deleted', LASTING, TOMBSTONE)
    expect(await dead(0)).to.deep.equal(['deleted'])
    expect(mortal.anyDead(SLOT, 0)).to.equal(true)
  })

  it('strikes out a key only once', async () => {
    const { mortal, write, idle } = await mortalOn(new MemoryDisk())
    write('lost', EMPTY_RECORD, TOMBSTONE)
    await idle()
    mortal.strike(SLOT, keyFromText('lost'))
    await idle()
    mortal.strike(SLOT, keyFromText('lost'))
    expect(mortal.size).to.equal(0)
  })

  it('goes through more than a page', async () => {
    const { write, dead, idle } = await mortalOn(new MemoryDisk())
    for (let i = 0; i < 2_500; i++) write(`k${i}`, EMPTY_RECORD, i % 2 === 0 ? TOMBSTONE : expiring(1e12))
    await idle()
    expect(await dead(1)).to.have.length(1_250)
  })
})
