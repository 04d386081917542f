import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { openDataDirectory } from '../../../server/adapters/data-directory.ts'
import { DiskSpace } from '../../../server/adapters/disk-space.ts'

describe('DiskSpace', () => {
  let directory: string

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-'))
  })

  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  const watch = async (minFreeBytes: number) => {
    const space = await DiskSpace.watch({ directory, minFreeBytes })
    space.close()
    return space.shortage
  }

  it('finds a shortage where less is free than must be, and says how it ends', async () => {
    expect(await watch(1)).to.equal(undefined)
    expect(await watch(0)).to.equal(undefined)
    const shortage = await watch(2 ** 60)
    expect(shortage?.code).to.equal('storage_failed')
    expect(shortage?.message).to.match(
      /^the disk of .* is full: \d+ MiB are free, 1099511627776 must stay so$/,
    )
    expect(shortage?.hint).to.equal(`make room on it (df ${directory}): the node goes on by itself`)
  })

  it('is asked by the storage, which takes commits all the same', async () => {
    const settings = { path: path.join(directory, 'n1'), cluster: 'prod', id: 'n1', minFreeBytes: 2 ** 60 }
    const { storage, close } = await openDataDirectory(settings)
    try {
      expect(storage.shortage()?.code).to.equal('storage_failed')
      await storage.commit([{ type: 'put', key: Buffer.from('a'), value: Buffer.from('1') }])
      expect(storage.get(Buffer.from('a'))?.toString()).to.equal('1')
    } finally {
      await close()
    }
  })
})
