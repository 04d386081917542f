import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ClassicLevel } from 'classic-level'
import { type LevelBatch, type LevelDatabase, LevelStorage } from '../../server/adapters/leveldb-storage.ts'
import { describeStorage } from './storage.contract.ts'

async function openLevel(path: string): Promise<LevelDatabase> {
  const db = new ClassicLevel<Buffer, Buffer>(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  await db.open()
  return db
}

/** The database with `write` in the place of every batch's own. */
function withWrite(
  db: LevelDatabase,
  write: (batch: LevelBatch, sync: boolean) => Promise<void>,
): LevelDatabase {
  const batch = (): LevelBatch => {
    const inner = db.batch()
    return {
      put: (key, value) => inner.put(key, value),
      del: (key) => inner.del(key),
      write: ({ sync }) => write(inner, sync),
      close: () => inner.close(),
    }
  }
  return {
    batch,
    getSync: (key) => db.getSync(key),
    iterator: (options) => db.iterator(options),
    close: () => db.close(),
  }
}

function diskFull(): Error {
  const error = new Error('IO error: 000003.log: No space left on device')
  return Object.assign(error, { code: 'LEVEL_IO_ERROR' })
}

for (const durability of ['sync', 'async'] as const) {
  describeStorage(`LevelStorage, ${durability}`, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'kvring-'))
    let failing = false
    const write = (batch: LevelBatch, sync: boolean) => {
      if (!failing) return batch.write({ sync })
      failing = false
      return Promise.reject(diskFull())
    }
    return {
      open: async () => {
        const db = withWrite(await openLevel(directory), write)
        return new LevelStorage({ db }, { durability, directory })
      },
      failNext: () => {
        failing = true
      },
      dispose: () => rm(directory, { recursive: true, force: true }),
    }
  })
}

describe('LevelStorage', () => {
  let directory: string

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kvring-'))
  })

  afterEach(() => rm(directory, { recursive: true, force: true }))

  const op = (key: string, bytes = 1) =>
    ({ type: 'put', key: Buffer.from(key), value: Buffer.alloc(bytes) }) as const

  it('has one write in flight, gathers the rest, and syncs each unless told not to', async () => {
    for (const durability of ['sync', 'async'] as const) {
      const writes: { sync: boolean; land: () => void }[] = []
      const db = withWrite(await openLevel(join(directory, durability)), (batch, sync) => {
        return new Promise<void>((resolve) => {
          writes.push({ sync, land: () => void batch.write({ sync }).then(resolve) })
        })
      })
      const storage = new LevelStorage({ db }, { durability, directory })
      const commits = ['a', 'b', 'c', 'd'].map((key) => storage.commit([op(key)]))
      expect(writes.length).to.equal(1)
      writes[0]!.land()
      await commits[0]
      expect(storage.get(Buffer.from('b'))).to.equal(undefined)
      expect(writes.length).to.equal(2)
      writes[1]!.land()
      await Promise.all(commits)
      expect(writes.map(({ sync }) => sync)).to.deep.equal(Array(2).fill(durability === 'sync'))
      await storage.close()
    }
  })

  it('does not gather more than it should into one write', async () => {
    let writes = 0
    const db = withWrite(await openLevel(directory), (batch, sync) => {
      writes++
      return batch.write({ sync })
    })
    const storage = new LevelStorage({ db }, { durability: 'sync', directory })
    const commits = Array.from({ length: 20 }, (_, i) => storage.commit([op(`k${i}`, 1024 * 1024)]))
    await Promise.all(commits)
    await storage.close()
    expect(writes).to.be.within(5, 8)
  })

  it('ends a page of large values early', async () => {
    const storage = new LevelStorage({ db: await openLevel(directory) }, { durability: 'sync', directory })
    await storage.commit(Array.from({ length: 12 }, (_, i) => op(`k${i}`, 1024 * 1024)))
    const page = await storage.iterate({ gte: Buffer.from('k'), lt: Buffer.from('l'), limit: 1000 })
    await storage.close()
    expect(page.length).to.be.within(1, 6)
  })

  it('says that the disk is full, and what to do', async () => {
    const db = withWrite(await openLevel(directory), () => Promise.reject(diskFull()))
    const storage = new LevelStorage({ db }, { durability: 'sync', directory })
    const error = await storage.commit([op('a')]).then(
      () => undefined,
      (thrown) => thrown,
    )
    await storage.close()
    expect(error.code).to.equal('storage_failed')
    expect(error.message).to.contain(`the disk of ${directory} is full`)
    expect(error.hint).to.contain('make room')
  })
})
