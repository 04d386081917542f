import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { type DataDirectory, openDataDirectory } from '../../../server/adapters/data-directory.ts'
import { identity } from '../../../server/adapters/file-identity.ts'
import { KvError } from '../../../shared/errors.ts'

describe('openDataDirectory', () => {
  let root: string
  let path: string
  const open: DataDirectory[] = []

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'kvring-'))
    path = join(root, 'n1')
  })

  afterEach(async () => {
    for (const data of open.splice(0)) await data.close()
    await rm(root, { recursive: true, force: true })
  })

  async function openAt(at = path, id = 'n1', cluster = 'prod'): Promise<DataDirectory> {
    const data = await openDataDirectory({ path: at, cluster, id })
    open.push(data)
    return data
  }

  async function close(data: DataDirectory): Promise<void> {
    open.splice(open.indexOf(data), 1)
    await data.close()
  }

  /** Opens, commits `count` values of 1 KiB, and closes. */
  async function fill(count: number, at = path): Promise<DataDirectory> {
    const data = await openAt(at)
    for (let i = 0; i < count; i += 50) {
      await data.storage.commit(
        Array.from({ length: 50 }, (_, j) => ({
          type: 'put',
          key: Buffer.from(`key ${i + j}`),
          value: Buffer.alloc(1024, i + j),
        })),
      )
    }
    await close(data)
    return data
  }

  async function refusal(opening: Promise<DataDirectory>): Promise<KvError> {
    const outcome = await opening.then(
      () => undefined,
      (thrown) => thrown,
    )
    expect(outcome).to.be.instanceOf(KvError)
    expect(outcome.hint).to.not.equal('')
    return outcome
  }

  async function newest(extension: string, at = path): Promise<string> {
    const names = (await readdir(join(at, 'db'))).filter((name) => name.endsWith(extension)).sort()
    return join(at, 'db', names.at(-1)!)
  }

  async function flip(file: string, at: number): Promise<void> {
    const bytes = await readFile(file)
    bytes[at]! ^= 1
    await writeFile(file, bytes)
  }

  /** Opens, and leaves behind what a power cut does. */
  async function cutPower(): Promise<void> {
    const data = await openAt()
    open.splice(open.indexOf(data), 1)
    await data.storage.close()
    await unlink(join(path, 'lock'))
  }

  it('creates the directory, and keeps incarnation and data over a reopening', async () => {
    const first = await openAt(join(path, 'deep'))
    expect(first.created).to.equal(true)
    expect(first.copied).to.equal(false)
    expect(first.incarnation).to.match(/^[0-9a-f]{16}$/)
    await first.storage.commit([{ type: 'put', key: Buffer.from('a'), value: Buffer.from('1') }])
    await close(first)
    const again = await openAt(join(path, 'deep'))
    expect(again.created).to.equal(false)
    expect(again.copied).to.equal(false)
    expect(again.clean).to.equal(true)
    expect(again.incarnation).to.equal(first.incarnation)
    expect(again.storage.get(Buffer.from('a'))?.toString()).to.equal('1')
  })

  it('draws another incarnation after a wipe', async () => {
    const first = await fill(50)
    await rm(path, { recursive: true })
    expect((await openAt()).incarnation).to.not.equal(first.incarnation)
  })

  it('takes the root of a fresh file system for an empty directory', async () => {
    await mkdir(join(path, 'lost+found'), { recursive: true })
    expect((await openAt()).created).to.equal(true)
  })

  it('refuses the directory of another node or cluster, and changes nothing', async () => {
    await fill(50)
    const before = await readFile(join(path, 'kvring.json'), 'utf8')
    const otherNode = await refusal(openAt(path, 'n2'))
    expect(otherNode.code).to.equal('usage')
    expect(otherNode.message).to.equal(`${path} belongs to the node n1, not to n2`)
    const otherCluster = await refusal(openAt(path, 'n1', 'test'))
    expect(otherCluster.code).to.equal('usage')
    expect(otherCluster.message).to.equal(`${path} belongs to the cluster prod, not to test`)
    expect(await readFile(join(path, 'kvring.json'), 'utf8')).to.equal(before)
    expect(await readdir(path)).to.have.members(['db', 'kvring.json'])
  })

  it('refuses a directory that is not its own and not empty, and a file', async () => {
    await mkdir(path)
    await writeFile(join(path, 'thesis.txt'), 'years of work')
    const foreign = await refusal(openAt())
    expect(foreign.code).to.equal('usage')
    expect(foreign.message)
      .to.contain('is not a kvring data directory, and is not empty')
      .and.contain('thesis.txt')
    expect(await readdir(path)).to.deep.equal(['thesis.txt'])
    const file = await refusal(openAt(join(path, 'thesis.txt')))
    expect(file.code).to.equal('usage')
    expect(file.message).to.contain('is a file, not a directory')
    expect((await refusal(openAt(join(path, 'thesis.txt', 'n1')))).message).to.contain('is a file')
  })

  it('refuses a directory that it may not write to', async () => {
    await mkdir(path)
    await chmod(root, 0o755)
    await chmod(path, 0o555)
    const isRoot = process.geteuid?.() === 0
    // Root may write anywhere: it becomes nobody for a moment.
    if (isRoot) process.seteuid?.(65534)
    const errors = [await refusal(openAt()), await refusal(openAt(join(path, 'deeper')))]
    if (isRoot) process.seteuid?.(0)
    for (const error of errors) {
      expect(error.code).to.equal('usage')
      expect(error.message).to.contain(`cannot write to ${path}`)
    }
  })

  it('refuses a directory that is open already, and names the process', async () => {
    await openAt()
    const error = await refusal(openAt())
    expect(error.code).to.equal('conflict')
    expect(error.message).to.equal(`the data directory ${path} is in use by this process (${process.pid})`)
  })

  it('names the other process that has it open, and takes over once that is gone', async () => {
    await fill(50)
    const script = `import { openDataDirectory } from ${JSON.stringify(new URL('../../../server/adapters/data-directory.ts', import.meta.url).href)}
      await openDataDirectory({ path: ${JSON.stringify(path)}, cluster: 'prod', id: 'n1' })
      console.log('open')
      setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exit = once(holder, 'exit')
    await once(holder.stdout, 'data')
    const error = await refusal(openAt())
    expect(error.code).to.equal('conflict')
    expect(error.message).to.equal(`the data directory ${path} is in use by process ${holder.pid}`)
    await unlink(join(path, 'lock'))
    const unnamed = await refusal(openAt())
    expect(unnamed.code).to.equal('conflict')
    expect(unnamed.message).to.contain('another process has the database').and.contain(path)
    holder.kill('SIGKILL')
    await exit
    const data = await openAt()
    expect(data.clean).to.equal(false)
    expect(data.storage.get(Buffer.from('key 49'))).to.not.equal(undefined)
  })

  it('takes over from a process whose id another one has now', async function () {
    if (process.platform !== 'linux') this.skip()
    await fill(50)
    const lock = join(path, 'lock')
    await writeFile(lock, '')
    const file = await identity(lock)
    await writeFile(lock, JSON.stringify({ pid: process.ppid, began: '', file }))
    expect((await refusal(openAt())).message).to.contain(`process ${process.ppid}`)
    await writeFile(lock, JSON.stringify({ pid: process.ppid, began: 'before the reboot', file }))
    expect((await openAt()).created).to.equal(false)
  })

  it('does not take a moved directory for a copy', async () => {
    const first = await fill(50)
    const elsewhere = join(root, 'moved')
    await rename(path, elsewhere)
    const moved = await openAt(elsewhere)
    expect(moved.copied).to.equal(false)
    expect(moved.incarnation).to.equal(first.incarnation)
  })

  it('finds out that it was copied, and is a life of its own from then on', async () => {
    const first = await fill(50)
    const copy = join(root, 'copy')
    await cp(path, copy, { recursive: true, preserveTimestamps: true })
    const copied = await openAt(copy)
    expect(copied.copied).to.equal(true)
    expect(copied.incarnation).to.not.equal(first.incarnation)
    expect(copied.storage.get(Buffer.from('key 49'))).to.not.equal(undefined)
    await close(copied)
    const again = await openAt(copy)
    expect(again.copied).to.equal(false)
    expect(again.incarnation).to.equal(copied.incarnation)
    const original = await openAt()
    expect(original.copied).to.equal(false)
    expect(original.incarnation).to.equal(first.incarnation)
  })

  it('is not kept from a copy by the lock of the running node that was copied', async () => {
    const running = await openAt()
    const copy = join(root, 'copy')
    await cp(path, copy, { recursive: true })
    const copied = await openAt(copy)
    expect(copied.copied).to.equal(true)
    expect(copied.incarnation).to.not.equal(running.incarnation)
  })

  for (const how of ['in the place of the original', 'over the original']) {
    it(`finds out that a copy was restored ${how}`, async () => {
      const first = await fill(50)
      const backup = join(root, 'backup')
      await cp(path, backup, { recursive: true, preserveTimestamps: true })
      await fill(100)
      if (how === 'in the place of the original') await rm(path, { recursive: true })
      else await rm(join(path, 'db'), { recursive: true })
      await cp(backup, path, { recursive: true, preserveTimestamps: true })
      const restored = await openAt()
      expect(restored.copied).to.equal(true)
      expect(restored.incarnation).to.not.equal(first.incarnation)
    })
  }

  it('refuses a marker that was changed, cut short or written by a newer version', async () => {
    await fill(50)
    const marker = join(path, 'kvring.json')
    const text = await readFile(marker, 'utf8')
    for (const damaged of [text.replace('"n1"', '"n2"'), text.slice(0, 40), '', '[]', 'null']) {
      await writeFile(marker, damaged)
      const error = await refusal(openAt())
      expect(error.code).to.equal('storage_failed')
      expect(error.message).to.contain('kvring.json is damaged')
    }
    const { checksum: _, ...stored } = JSON.parse(text)
    const { crc32 } = await import('node:zlib')
    const newer = { ...stored, format: 9 }
    const checksum = crc32(JSON.stringify(newer)).toString(16).padStart(8, '0')
    await writeFile(marker, JSON.stringify({ ...newer, checksum }))
    const error = await refusal(openAt())
    expect(error.code).to.equal('usage')
    expect(error.message).to.contain('newer kvring (format 9; this one knows 1)')
  })

  it('begins again where a creation was cut off before the database was used', async () => {
    await mkdir(path)
    await writeFile(join(path, 'kvring.json.new'), '{"format"')
    await writeFile(join(path, 'lock'), '')
    expect((await openAt()).created).to.equal(true)
  })

  describe('damage since a stop in good order', () => {
    beforeEach(() => fill(500))

    for (const [what, damage] of [
      ['a write-ahead log cut short', async () => truncate(await newest('.log'), 1000)],
      [
        'a write-ahead log cut by one byte',
        async () => {
          const log = await newest('.log')
          await truncate(log, (await stat(log)).size - 1)
        },
      ],
      ['a write-ahead log emptied', async () => truncate(await newest('.log'), 0)],
      ['a write-ahead log removed', async () => unlink(await newest('.log'))],
      ['a flipped bit in a write-ahead log', async () => flip(await newest('.log'), 70_000)],
      [
        'the manifest removed',
        async () =>
          unlink(
            join(path, 'db', (await readdir(join(path, 'db'))).find((name) => name.startsWith('MANIFEST'))!),
          ),
      ],
      ['the database removed', () => rm(join(path, 'db'), { recursive: true })],
      ['CURRENT removed', () => unlink(join(path, 'db', 'CURRENT'))],
      ['CURRENT overwritten', () => writeFile(join(path, 'db', 'CURRENT'), 'MANIFEST-00000\u0000')],
    ] as const) {
      it(`finds ${what}`, async () => {
        await damage()
        const error = await refusal(openAt())
        expect(error.code).to.equal('storage_failed')
        expect(error.message).to.contain('is damaged')
        expect(error.hint).to.contain('the ring gives it its data back')
        expect(await readdir(path), 'the lock is gone').to.not.include('lock')
      })
    }
  })

  describe('damage after a power cut', () => {
    beforeEach(async () => {
      // The second opening moves what the first has written from the log into a table.
      await fill(500)
      await fill(500)
      await cutPower()
    })

    for (const [what, damage] of [
      ['a table cut short', async () => truncate(await newest('.ldb'), 5000)],
      ['a table removed', async () => unlink(await newest('.ldb'))],
      [
        'a table whose end is overwritten',
        async () => {
          const table = await newest('.ldb')
          await flip(table, (await stat(table)).size - 1)
        },
      ],
    ] as const) {
      it(`finds ${what}`, async () => {
        await damage()
        const error = await refusal(openAt())
        expect(error.code).to.equal('storage_failed')
        expect(error.message).to.match(/is damaged: \d{6}\.ldb /)
      })
    }

    it('opens where nothing is wrong', async () => {
      const data = await openAt()
      expect(data.clean).to.equal(false)
      expect(data.copied).to.equal(false)
      expect(data.storage.get(Buffer.from('key 499'))).to.not.equal(undefined)
    })
  })

  it('says on reading that a table is damaged', async () => {
    await fill(500)
    await close(await openAt())
    const table = await newest('.ldb')
    const bytes = await readFile(table)
    bytes.fill(0xff, 0, bytes.length - 200)
    await writeFile(table, bytes)
    const data = await openAt()
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
})
