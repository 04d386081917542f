import { cp, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect } from 'chai'
import { NodeDirectory } from './node-directory.ts'

describe('a copy of a data directory', () => {
  let node: NodeDirectory

  beforeEach(async () => {
    node = await NodeDirectory.make()
  })

  afterEach(() => node.dispose())

  it('does not take a moved directory for a copy', async () => {
    const first = await node.fill(50)
    const elsewhere = join(node.root, 'moved')
    await rename(node.path, elsewhere)
    const moved = await node.open(elsewhere)
    expect(moved.copied).to.equal(false)
    expect(moved.incarnation).to.equal(first.incarnation)
  })

  it('does not take for a copy what is on a device with another number since the machine was started', async () => {
    const before = await node.fill(10)
    const file = join(node.path, 'kvring.json')
    const marker = () => readFile(file, 'utf8').then((text) => JSON.parse(text))
    const { checksum, ...stored } = await marker()
    const elsewhere = (id: string) => id.replace(/^\d+/, (device) => String(Number(device) + 1))
    const moved = { ...stored, directory: elsewhere(stored.directory), file: elsewhere(stored.file) }
    const sum = crc32(JSON.stringify(moved)).toString(16).padStart(8, '0')
    const inPlace = await open(file, 'r+')
    await inPlace.truncate()
    await inPlace.writeFile(JSON.stringify({ ...moved, checksum: sum }))
    await inPlace.close()
    const after = await node.open()
    expect(after.copied).to.equal(false)
    expect(after.incarnation).to.equal(before.incarnation)
  })

  it('finds out that it was copied, and is a life of its own from then on', async () => {
    const first = await node.fill(50)
    const copy = join(node.root, 'copy')
    await cp(node.path, copy, { recursive: true, preserveTimestamps: true })
    const copied = await node.open(copy)
    expect(copied.copied).to.equal(true)
    expect(copied.incarnation).to.not.equal(first.incarnation)
    expect(copied.storage.get(Buffer.from('key 49'))).to.not.equal(undefined)
    await node.close(copied)
    const again = await node.open(copy)
    expect(again.copied).to.equal(false)
    expect(again.incarnation).to.equal(copied.incarnation)
    const original = await node.open()
    expect(original.copied).to.equal(false)
    expect(original.incarnation).to.equal(first.incarnation)
  })

  it('is not kept from a copy by the lock of the running node that was copied', async () => {
    const running = await node.open()
    const copy = join(node.root, 'copy')
    await cp(node.path, copy, { recursive: true })
    const copied = await node.open(copy)
    expect(copied.copied).to.equal(true)
    expect(copied.incarnation).to.not.equal(running.incarnation)
  })

  for (const how of ['in the place of the original', 'over the original']) {
    it(`finds out that a copy was restored ${how}`, async () => {
      const first = await node.fill(50)
      const backup = join(node.root, 'backup')
      await cp(node.path, backup, { recursive: true, preserveTimestamps: true })
      await node.fill(100)
      if (how === 'in the place of the original') await rm(node.path, { recursive: true })
      else await rm(join(node.path, 'db'), { recursive: true })
      await cp(backup, node.path, { recursive: true, preserveTimestamps: true })
      const restored = await node.open()
      expect(restored.copied).to.equal(true)
      expect(restored.incarnation).to.not.equal(first.incarnation)
    })
  }
})
