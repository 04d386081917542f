import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect } from 'chai'
import { writeMarker } from '../../../server/adapters/directory-marker.ts'
import { identity } from '../../../server/adapters/file-identity.ts'
import { NodeDirectory, refusal } from './node-directory.ts'

describe('a data directory', () => {
  let node: NodeDirectory

  beforeEach(async () => {
    node = await NodeDirectory.make()
  })

  afterEach(() => node.dispose())

  it('creates the directory, and keeps incarnation and data over a reopening', async () => {
    const first = await node.open(join(node.path, 'deep'))
    expect(first.created).to.equal(true)
    expect(first.copied).to.equal(false)
    expect(first.incarnation).to.match(/^[0-9a-f]{16}$/)
    await first.storage.commit([{ type: 'put', key: Buffer.from('a'), value: Buffer.from('1') }])
    await node.close(first)
    const again = await node.open(join(node.path, 'deep'))
    expect(again.created).to.equal(false)
    expect(again.copied).to.equal(false)
    expect(again.clean).to.equal(true)
    expect(again.incarnation).to.equal(first.incarnation)
    expect(again.storage.get(Buffer.from('a'))?.toString()).to.equal('1')
  })

  it('opens several directories at once under one parent that none of them finds', async () => {
    const parent = join(node.path, 'of', 'all')
    const opened = await Promise.all(['n1', 'n2', 'n3'].map((id) => node.open(join(parent, id))))
    for (const directory of opened) await node.close(directory)
  })

  it('draws another incarnation after a wipe', async () => {
    const first = await node.fill(50)
    await rm(node.path, { recursive: true })
    expect((await node.open()).incarnation).to.not.equal(first.incarnation)
  })

  it('takes the root of a fresh file system for an empty directory', async () => {
    await mkdir(join(node.path, 'lost+found'), { recursive: true })
    expect((await node.open()).created).to.equal(true)
  })

  it('refuses the directory of another node or cluster, and changes nothing', async () => {
    await node.fill(50)
    const before = await readFile(join(node.path, 'kvring.json'), 'utf8')
    const otherNode = await refusal(node.open(node.path, 'n2'))
    expect(otherNode.code).to.equal('usage')
    expect(otherNode.message).to.equal(`${node.path} belongs to the node n1, not to n2`)
    const otherCluster = await refusal(node.open(node.path, 'n1', 'test'))
    expect(otherCluster.code).to.equal('usage')
    expect(otherCluster.message).to.equal(`${node.path} belongs to the cluster prod, not to test`)
    expect(await readFile(join(node.path, 'kvring.json'), 'utf8')).to.equal(before)
    expect(await readdir(node.path)).to.have.members(['db', 'kvring.json'])
  })

  it('refuses a directory that is not its own and not empty, and a file', async () => {
    await mkdir(node.path)
    await writeFile(join(node.path, 'thesis.txt'), 'years of work')
    const foreign = await refusal(node.open())
    expect(foreign.code).to.equal('usage')
    expect(foreign.message)
      .to.contain('is not a kvring data directory, and is not empty')
      .and.contain('thesis.txt')
    expect(await readdir(node.path)).to.deep.equal(['thesis.txt'])
    const file = await refusal(node.open(join(node.path, 'thesis.txt')))
    expect(file.code).to.equal('usage')
    expect(file.message).to.contain('is a file, not a directory')
    expect((await refusal(node.open(join(node.path, 'thesis.txt', 'n1')))).message).to.contain('is a file')
  })

  it('refuses a directory that it may not write to', async () => {
    await mkdir(node.path)
    await chmod(node.root, 0o755)
    await chmod(node.path, 0o555)
    const isRoot = process.geteuid?.() === 0
    // Root may write anywhere: it becomes nobody for a moment.
    if (isRoot) process.seteuid?.(65534)
    const errors = [await refusal(node.open()), await refusal(node.open(join(node.path, 'deeper')))]
    if (isRoot) process.seteuid?.(0)
    for (const error of errors) {
      expect(error.code).to.equal('usage')
      expect(error.message).to.contain(`cannot write to ${node.path}`)
    }
  })

  it('refuses a directory that is open already, and names the process', async () => {
    await node.open()
    const error = await refusal(node.open())
    expect(error.code).to.equal('conflict')
    expect(error.message).to.equal(
      `the data directory ${node.path} is in use by this process (${process.pid})`,
    )
  })

  it('names the other process that has it open, and takes over once that is gone', async () => {
    await node.fill(50)
    const script = `import { openDataDirectory } from ${JSON.stringify(new URL('../../../server/adapters/data-directory.ts', import.meta.url).href)}
      await openDataDirectory({ path: ${JSON.stringify(node.path)}, cluster: 'prod', id: 'n1' })
      console.log('open')
      setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exit = once(holder, 'exit')
    await once(holder.stdout, 'data')
    const error = await refusal(node.open())
    expect(error.code).to.equal('conflict')
    expect(error.message).to.equal(`the data directory ${node.path} is in use by process ${holder.pid}`)
    await unlink(join(node.path, 'lock'))
    const unnamed = await refusal(node.open())
    expect(unnamed.code).to.equal('conflict')
    expect(unnamed.message).to.contain('another process has the database').and.contain(node.path)
    holder.kill('SIGKILL')
    await exit
    const data = await node.open()
    expect(data.clean).to.equal(false)
    expect(data.storage.get(Buffer.from('key 49'))).to.not.equal(undefined)
  })

  it('takes over from a process whose id another one has now', async () => {
    await node.fill(50)
    const lock = join(node.path, 'lock')
    await writeFile(lock, '')
    const file = await identity(lock)
    await writeFile(lock, JSON.stringify({ pid: process.ppid, began: '', file }))
    expect((await refusal(node.open())).message).to.contain(`process ${process.ppid}`)
    await writeFile(lock, JSON.stringify({ pid: process.ppid, began: 'before the reboot', file }))
    expect((await node.open()).created).to.equal(false)
  })

  it('refuses a marker that was changed, cut short or written by a newer version', async () => {
    await node.fill(50)
    const marker = join(node.path, 'kvring.json')
    const text = await readFile(marker, 'utf8')
    for (const damaged of [text.replace('"n1"', '"n2"'), text.slice(0, 40), '', '[]', 'null']) {
      await writeFile(marker, damaged)
      const error = await refusal(node.open())
      expect(error.code).to.equal('storage_failed')
      expect(error.message).to.contain('kvring.json is damaged')
    }
    const { checksum: _, ...stored } = JSON.parse(text)
    const newer = { ...stored, format: 9 }
    const checksum = crc32(JSON.stringify(newer)).toString(16).padStart(8, '0')
    await writeFile(marker, JSON.stringify({ ...newer, checksum }))
    const error = await refusal(node.open())
    expect(error.code).to.equal('usage')
    expect(error.message).to.contain('newer kvring (format 9; this one knows 1)')
  })

  it('begins again where a creation was cut off before the database was used', async () => {
    await mkdir(node.path)
    await writeFile(join(node.path, 'kvring.json.new'), '{"format"')
    await writeFile(join(node.path, 'lock'), '')
    expect((await node.open()).created).to.equal(true)
  })

  it('begins again where a creation was cut off while LevelDB made its first files', async () => {
    await mkdir(join(node.path, 'db'), { recursive: true })
    const marker = {
      format: 1,
      cluster: 'prod',
      id: 'n1',
      incarnation: '1',
      state: 'creating',
      files: [],
    } as const
    await writeMarker(node.path, marker)
    await writeFile(join(node.path, 'db', 'MANIFEST-000001'), '')
    await writeFile(join(node.path, 'db', 'CURRENT'), 'MANIFEST-000001\n')
    const data = await node.open()
    expect(data.created).to.equal(true)
    await data.storage.commit([{ type: 'put', key: Buffer.from('k'), value: Buffer.from('v') }])
    expect(data.storage.get(Buffer.from('k'))?.toString()).to.equal('v')
  })
})
