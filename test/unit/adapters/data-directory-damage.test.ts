import { open, readdir, rm, stat, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { KvError } from '../../../shared/errors.ts'
import { flipBit, NodeDirectory, refusal } from './node-directory.ts'

describe('a damaged data directory', () => {
  let node: NodeDirectory

  beforeEach(async () => {
    node = await NodeDirectory.make()
  })

  afterEach(() => node.dispose())

  describe('damage since a stop in good order', () => {
    beforeEach(() => node.fill(500))

    for (const [what, damage] of [
      ['a write-ahead log cut short', async () => truncate(await node.newest('.log'), 1000)],
      [
        'a write-ahead log cut by one byte',
        async () => {
          const log = await node.newest('.log')
          await truncate(log, (await stat(log)).size - 1)
        },
      ],
      ['a write-ahead log emptied', async () => truncate(await node.newest('.log'), 0)],
      ['a write-ahead log removed', async () => unlink(await node.newest('.log'))],
      ['a flipped bit in a write-ahead log', async () => flipBit(await node.newest('.log'), 70_000)],
      [
        'the manifest removed',
        async () =>
          unlink(
            join(
              node.path,
              'db',
              (await readdir(join(node.path, 'db'))).find((name) => name.startsWith('MANIFEST'))!,
            ),
          ),
      ],
      ['the database removed', () => rm(join(node.path, 'db'), { recursive: true })],
      ['CURRENT removed', () => unlink(join(node.path, 'db', 'CURRENT'))],
      ['CURRENT overwritten', () => writeFile(join(node.path, 'db', 'CURRENT'), 'MANIFEST-00000\u0000')],
    ] as const) {
      it(`finds ${what}`, async () => {
        await damage()
        const error = await refusal(node.open())
        expect(error.code).to.equal('storage_failed')
        expect(error.message).to.contain('is damaged')
        expect(error.hint).to.contain('the ring gives it its data back')
        expect(await readdir(node.path), 'the lock is gone').to.not.include('lock')
      })
    }
  })

  describe('damage after a power cut', () => {
    beforeEach(async () => {
      // The second opening moves what the first has written from the log into a table.
      await node.fill(500)
      await node.fill(500)
      await node.cutPower()
    })

    for (const [what, damage] of [
      ['a table cut short', async () => truncate(await node.newest('.ldb'), 5000)],
      ['a table removed', async () => unlink(await node.newest('.ldb'))],
      ['a flipped bit in the data of a table', async () => flipBit(await node.newest('.ldb'), 3000)],
      [
        'a table whose end is overwritten',
        async () => {
          const table = await node.newest('.ldb')
          await flipBit(table, (await stat(table)).size - 1)
        },
      ],
    ] as const) {
      it(`finds ${what}`, async () => {
        await damage()
        const error = await refusal(node.open())
        expect(error.code).to.equal('storage_failed')
        expect(error.message).to.match(/is damaged: \d{6}\.ldb /)
      })
    }

    it('opens where nothing is wrong', async () => {
      const data = await node.open()
      expect(data.clean).to.equal(false)
      expect(data.copied).to.equal(false)
      expect(data.storage.get(Buffer.from('key 499'))).to.not.equal(undefined)
    })
  })

  /** In place: who has it open reads what is there now. */
  async function spoilNewestTable(): Promise<void> {
    const file = await open(await node.newest('.ldb'), 'r+')
    const { size } = await file.stat()
    await file.write(Buffer.alloc(size - 200, 0xff), 0, size - 200, 0)
    await file.close()
  }

  it('says on reading that a table is damaged', async () => {
    await node.fill(500)
    await node.close(await node.open())
    const data = await node.open()
    await spoilNewestTable()
    expect(() => data.storage.get(Buffer.from('key 10')))
      .to.throw(KvError, 'is damaged')
      .with.property('code', 'storage_failed')
    const error = await data.storage.iterate({ gte: Buffer.from('k'), lt: Buffer.from('l'), limit: 10 }).then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(error).to.be.instanceOf(KvError)
    expect(error.message).to.contain('is damaged')
  })

  it('takes no more for whole what a read has shown to be damaged, and says so when it is opened again', async () => {
    await node.fill(500)
    await node.close(await node.open())
    const data = await node.open()
    await spoilNewestTable()
    expect(data.storage.healthy()).to.equal(true)
    expect(() => data.storage.get(Buffer.from('key 10'))).to.throw(KvError)
    expect(data.storage.healthy()).to.equal(false)
    expect(data.storage.damage()?.message).to.contain('is damaged')
    await node.close(data)
    expect((await refusal(node.open())).message).to.contain('is damaged')
  })
})
