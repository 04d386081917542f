import { readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import type { RingStatus } from '../../../shared/api.ts'
import type { ErrorBody } from '../../../shared/errors.ts'
import { eventually } from '../../eventually.ts'
import { KvUser } from '../kv-user.ts'
import { expectFailure, MINUTE, withRing } from './surface.ts'

describe('a local ring', function () {
  this.timeout(2 * MINUTE)

  const { user, up } = withRing()

  it('is described by kv up, and left as it is by another kv up', async () => {
    expect(up().cluster).to.equal('local')
    expect(up().nodes.map((node) => node.id)).to.deep.equal(['n1', 'n2', 'n3', 'n4', 'n5'])
    for (const node of up().nodes) {
      expect(node.http).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(node.peer).to.match(/^127\.0\.0\.1:\d+$/)
      expect(node.pid).to.be.a('number')
      expect(statSync(node.dataDir).isDirectory()).to.equal(true)
    }
    expect(await user.json(['up'])).to.deep.equal(up())
    const both = await Promise.all([user.json(['up']), user.json(['up', '-n', '5'])])
    expect(both).to.deep.equal([up(), up()])
  })

  it('keeps its secret to itself', async () => {
    const file = path.join(user.home, 'rings', 'local', 'secret')
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    const secret = readFileSync(file, 'utf8').trim()
    const { out, err } = await user.kv(['up'])
    expect(out + err).to.not.include(secret)
    expect(readFileSync(`/proc/${up().nodes[0]?.pid}/cmdline`, 'utf8')).to.not.include(secret)
  })

  it('is not changed into another one', async () => {
    expectFailure(await user.kv(['up', '-n', '3', '--json']), 4, 'conflict', /has 5 nodes/)
    expectFailure(await user.kv(['up', '--conflicts', 'siblings', '--json']), 4, 'conflict', /by lww/)
    expectFailure(
      await user.kv(['up', '--data', './elsewhere', '--json']),
      4,
      'conflict',
      /keeps its data in/,
    )
    expectFailure(await user.kv(['up', '--name', '../escape', '--json']), 2, 'usage', /cannot be named/)
  })

  it('can have one or two nodes, and goes down twice', async () => {
    const other = new KvUser()
    try {
      for (const n of [1, 2]) {
        const { nodes } = await other.json<{ nodes: unknown[] }>(['up', '-n', String(n), '--name', `of-${n}`])
        expect(nodes).to.have.length(n)
        await other.json(['set', 'a', 'b'])
        expect(await other.json(['get', 'a'])).to.include({ value: 'b' })
        expect(await other.json<RingStatus>(['ring', 'status'])).to.include({ health: 'ok', n })
        expect(await other.json(['down', '--wipe'])).to.deep.include({ wiped: true })
        expect(await other.json(['down', '--name', `of-${n}`])).to.deep.include({ stopped: [] })
      }
      expect(readdirSync(path.join(other.home, 'rings'))).to.deep.equal([])
    } finally {
      await other.dispose()
    }
  })

  it('keeps its data over kv down and kv up', async () => {
    const other = new KvUser()
    try {
      await other.json(['up', '-n', '3'])
      await other.json(['set', 'kept', 'value'])
      await other.json(['down'])
      expect((await other.kv(['get', 'kept'])).code).to.equal(11)
      await other.json(['up'])
      expect(await other.json(['get', 'kept'])).to.include({ value: 'value' })
    } finally {
      await other.dispose()
    }
  })

  it('says which node did not start, and why, and leaves no process behind', async () => {
    const other = new KvUser()
    const data = other.file('data')
    try {
      await other.json(['up', '-n', '3', '--data', data])
      await other.json(['down'])
      for (const name of readdirSync(path.join(data, 'n2'))) {
        const file = path.join(data, 'n2', name)
        if (statSync(file).isFile()) truncateSync(file, 0)
      }
      const run = await other.kv(['up', '--json'])
      expect(run.code).to.not.equal(0)
      expect(run.json<ErrorBody>().error.message).to.match(/^n2 /)
      for (const node of other.ring().nodes) expect(node.process).to.equal(undefined)
    } finally {
      await other.dispose()
    }
  })

  it('is interrupted while it starts with 130, and leaves no process behind', async () => {
    const other = new KvUser()
    try {
      const run = other.start(['up', '-n', '3', '--name', 'cut-short'])
      await eventually('a process', () => readState(other, 'cut-short').some((pid) => pid > 0), MINUTE)
      run.kill('SIGINT')
      const { exitCode } = await run
      // It may just have been whole.
      if (exitCode !== 0) {
        expect(exitCode).to.equal(130)
        expect(readState(other, 'cut-short')).to.deep.equal([])
      }
    } finally {
      await other.dispose()
    }
  })
})

function readState(user: KvUser, name: string): number[] {
  try {
    return user.ring(name).nodes.flatMap((node) => (node.process ? [node.process.pid] : []))
  } catch {
    return []
  }
}
