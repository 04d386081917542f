import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { withLock } from '../../../cli/bin/lock.js'

describe('withLock', () => {
  let folder = ''
  let file = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'kvring lock '))
    file = path.join(folder, 'lock')
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('lets one in at a time, and all in the end', async () => {
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await new Promise((resolve) => setImmediate(resolve))
      inside--
    }
    await Promise.all(Array.from({ length: 5 }, () => withLock(file, work)))
    expect(most).to.equal(1)
    expect(existsSync(file)).to.equal(false)
  })

  it('gives the lock back when the work fails', async () => {
    const failing = withLock(file, () => Promise.reject(new Error('no')))
    expect(await failing.catch((error: Error) => error.message)).to.equal('no')
    expect(await withLock(file, () => Promise.resolve('yes'))).to.equal('yes')
  })

  it('says that it waits, once', async () => {
    let waits = 0
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const first = withLock(file, () => held)
    const onWait = () => {
      waits++
      release()
    }
    await Promise.all([first, withLock(file, () => Promise.resolve(), { onWait })])
    expect(waits).to.equal(1)
  })

  it('takes over the lock of a process that is gone', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '0'])
    writeFileSync(file, JSON.stringify({ pid, host: hostname(), token: 'dead' }))
    expect(await withLock(file, () => Promise.resolve('taken'))).to.equal('taken')
  })

  it('takes over a lock that nobody touches, and one that is unreadable', async () => {
    for (const content of [JSON.stringify({ pid: process.pid, host: 'elsewhere', token: 'x' }), '']) {
      writeFileSync(file, content)
      expect(await withLock(file, () => Promise.resolve('taken'), { staleMs: 50 })).to.equal('taken')
    }
  })

  it('does not give back a lock that another process has taken over', async () => {
    await withLock(file, () => {
      writeFileSync(file, 'of another')
      return Promise.resolve()
    })
    expect(readFileSync(file, 'utf8')).to.equal('of another')
  })
})
