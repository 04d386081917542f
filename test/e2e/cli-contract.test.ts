import { chmodSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { expect } from 'chai'
import type { NodeStatus, RingStatus } from '../../shared/api.ts'
import type { ErrorBody } from '../../shared/errors.ts'
import { eventually } from '../eventually.ts'
import { type Ended, KvUser } from './kv-user.ts'

const MINUTE = 60_000
const SLOTS = 16_384
const ALONE = ['--http-port', '0', '--peer-port', '0', '--discovery-port', '0']

/** What other programs hold on to: the fields of --json, and the exit codes. On a ring of five, as `kv up` starts it. */
describe('the surface of kv', function () {
  this.timeout(2 * MINUTE)

  const user = new KvUser()
  let up: {
    cluster: string
    nodes: { id: string; http: string; peer: string; pid: number; dataDir: string }[]
  }

  before(async () => {
    up = await user.json(['up'])
  })

  after(() => user.dispose())

  function expectFailure(run: Ended, exit: number, code: string, message: RegExp): void {
    expect(run.code, `${run.out}\n${run.err}`).to.equal(exit)
    const { error } = run.json<ErrorBody>()
    expect(error).to.have.all.keys('code', 'message', 'definite', 'retryable', 'hint')
    expect(error.code).to.equal(code)
    expect(error.message).to.match(message)
  }

  describe('a local ring', () => {
    it('is described by kv up, and left as it is by another kv up', async () => {
      expect(up.cluster).to.equal('local')
      expect(up.nodes.map((node) => node.id)).to.deep.equal(['n1', 'n2', 'n3', 'n4', 'n5'])
      for (const node of up.nodes) {
        expect(node.http).to.match(/^http:\/\/127\.0\.0\.1:\d+$/)
        expect(node.peer).to.match(/^127\.0\.0\.1:\d+$/)
        expect(node.pid).to.be.a('number')
        expect(statSync(node.dataDir).isDirectory()).to.equal(true)
      }
      expect(await user.json(['up'])).to.deep.equal(up)
      const both = await Promise.all([user.json(['up']), user.json(['up', '-n', '5'])])
      expect(both).to.deep.equal([up, up])
    })

    it('keeps its secret to itself', async () => {
      const file = path.join(user.home, 'rings', 'local', 'secret')
      expect(statSync(file).mode & 0o777).to.equal(0o600)
      const secret = readFileSync(file, 'utf8').trim()
      const { out, err } = await user.kv(['up'])
      expect(out + err).to.not.include(secret)
      expect(readFileSync(`/proc/${up.nodes[0]?.pid}/cmdline`, 'utf8')).to.not.include(secret)
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
          const { nodes } = await other.json<{ nodes: unknown[] }>([
            'up',
            '-n',
            String(n),
            '--name',
            `of-${n}`,
          ])
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
  })

  describe('looking at the ring', () => {
    it('kv ring status', async () => {
      const status = await user.json<RingStatus>(['ring', 'status'])
      expect(status).to.include({ cluster: 'local', n: 3, r: 2, w: 2, health: 'ok', slots: SLOTS })
      expect(status).to.include({ slotsBelowN: 0, slotsWithoutQuorum: 0, layoutVersion: 1 })
      expect(status.nodes).to.have.length(5)
      for (const node of status.nodes) expectNode(node)
      expect(status.nodes.reduce((sum, node) => sum + node.ownership, 0)).to.be.closeTo(3, 1e-9)
      const { out } = await user.kv(['ring', 'status'])
      expect(out).to.match(/^ok: all 5 nodes are up/)
      expect(out).to.not.include('\x1b')
      expect((await user.kv(['ring', 'status', '--watch'])).code).to.equal(2)
    })

    function expectNode(node: NodeStatus): void {
      expect(node.state).to.equal('up')
      for (const text of [node.id, node.http, node.zone, node.incarnation]) expect(text).to.be.a('string')
      for (const number of [node.ownership, node.keys, node.bytes, node.hintsHeld])
        expect(number).to.be.a('number')
    }

    it('kv ring locate', async () => {
      type Located = {
        key: string
        slot: number
        preferenceList: { id: string; role: string; state: string }[]
      }
      const { key, slot, preferenceList } = await user.json<Located>(['ring', 'locate', '123456789'])
      // The check value of the CRC that Redis Cluster uses.
      expect([key, slot]).to.deep.equal(['123456789', 0x31c3 % SLOTS])
      expect(preferenceList.map(({ role }) => role)).to.deep.equal([
        ...Array(3).fill('owner'),
        ...Array(2).fill('fallback'),
      ])
      expect(new Set(preferenceList.map(({ id }) => id)).size).to.equal(5)
      const tagged = await Promise.all(
        ['a{tag}', '{tag}b'].map((name) => user.json<Located>(['ring', 'locate', name])),
      )
      expect(tagged[0]?.slot).to.equal(tagged[1]?.slot)
    })

    it('kv node list, kv node info, kv hints list', async () => {
      const { nodes } = await user.json<{ nodes: NodeStatus[] }>(['node', 'list'])
      expect(nodes.map((node) => node.id)).to.have.members(up.nodes.map((node) => node.id))
      const info = await user.json<NodeStatus & Record<string, unknown>>(['node', 'info', 'n2'])
      expect(info).to.include({ id: 'n2', reachable: true, ready: true, reason: '' })
      expect(info.pid).to.equal(up.nodes[1]?.pid)
      expect(await user.json(['hints', 'list'])).to.deep.equal({ hints: [], unreachable: [] })
      expectFailure(await user.kv(['node', 'info', 'n22', '--json']), 3, 'not_found', /no node "n22"/)
    })
  })

  describe('breaking the ring', () => {
    type Fault = { id: string; kind: string; nodes: string[]; until: string | null }
    const faults = async (): Promise<Fault[]> =>
      (await user.json<{ faults: Fault[] }>(['chaos', 'status'])).faults

    it('kv chaos partition, link, status, heal', async () => {
      const partition = await user.json<Fault>(['chaos', 'partition', 'n1,n2', 'n3', '--for', '1m'])
      const link = await user.json<Fault>(['chaos', 'link', 'n4', 'n5', '--latency', '5ms', '--loss', '1%'])
      const listed = await faults()
      expect(listed.map(({ id, kind, nodes }) => ({ id, kind, nodes }))).to.have.deep.members([
        { id: partition.id, kind: 'partition', nodes: ['n1', 'n2', 'n3'] },
        { id: link.id, kind: 'link', nodes: ['n4', 'n5'] },
      ])
      for (const { until } of listed) expect(Date.parse(until as string)).to.be.greaterThan(Date.now())
      expectFailure(await user.kv(['chaos', 'heal', 'nothing', '--json']), 3, 'not_found', /no fault/)
      expect(await user.json(['chaos', 'heal', link.id])).to.deep.equal({ healed: [link.id], missed: [] })
      expect((await faults()).map(({ id }) => id)).to.deep.equal([partition.id])
      await user.json(['chaos', 'heal'])
      expect(await faults()).to.deep.equal([])
    })

    it('kv chaos pause, which ends by itself', async () => {
      const fault = await user.json<Fault>(['chaos', 'pause', 'n5', '--for', '6s'])
      expect(readFileSync(`/proc/${up.nodes[4]?.pid}/stat`, 'utf8').split(') ')[1]?.[0]).to.equal('T')
      expect(await faults()).to.deep.equal([fault])
      await eventually('the pause to end', async () => (await faults()).length === 0, MINUTE)
      expect(readFileSync(`/proc/${up.nodes[4]?.pid}/stat`, 'utf8').split(') ')[1]?.[0]).to.not.equal('T')
    })

    it('kv chaos kill and restart; kv up leaves a killed node alone', async () => {
      await user.json(['chaos', 'kill', 'n4'])
      expect(await faults()).to.deep.equal([{ id: 'kill-n4', kind: 'kill', nodes: ['n4'], until: null }])
      const again = await user.json<typeof up>(['up'])
      expect(again.nodes.map((node) => node.pid === null)).to.deep.equal([false, false, false, true, false])
      const { err } = await user.kv(['up'])
      expect(err).to.include('kv chaos restart n4')
      await eventually(
        'the status to name it',
        async () => /^degraded: n4 is (suspect|down)/.test((await user.kv(['ring', 'status'])).out),
        30_000,
      )
      await user.json(['set', 'while-n4-is-down', 'value'])
      const { nodes } = await user.json<Pick<typeof up, 'nodes'>>(['chaos', 'restart', 'n4'])
      expect(nodes).to.have.length(1)
      expect(nodes[0]).to.deep.include({ id: 'n4', http: up.nodes[3]?.http, dataDir: up.nodes[3]?.dataDir })
      await eventually(
        'the ring to be ok',
        async () => (await user.json<RingStatus>(['ring', 'status'])).health === 'ok',
        MINUTE,
      )
      expect(await faults()).to.deep.equal([])
    })

    it('refuses what cannot be meant, and changes nothing', async () => {
      expectFailure(await user.kv(['chaos', 'kill', 'm2', '--json']), 3, 'not_found', /no node "m2"/)
      expectFailure(await user.kv(['chaos', 'partition', 'n1,n1', '--json']), 2, 'usage', /named twice/)
      expectFailure(await user.kv(['chaos', 'partition', 'n1,n9', '--json']), 3, 'not_found', /no node "n9"/)
      expectFailure(await user.kv(['chaos', 'link', 'n1', 'n2', '--json']), 2, 'usage', /does nothing/)
      expectFailure(
        await user.kv(['chaos', 'link', 'n1', 'n2', '--loss', '2', '--json']),
        2,
        'usage',
        /probability/,
      )
      expectFailure(await user.kv(['chaos', 'pause', 'n1', '--for', '25h', '--json']), 2, 'usage', /too long/)
      expect(await faults()).to.deep.equal([])
    })
  })

  describe('outcomes', () => {
    it('0 and 3: keys that are there, and keys that are not', async () => {
      const written = await user.json(['set', 'a', 'b'])
      expect(written).to.include.keys('key', 'version', 'acks', 'w', 'sloppy', 'coordinator')
      expect(written).to.include({ key: 'a', w: 2 })
      const read = await user.json(['get', 'a', '--siblings'])
      expect(read).to.include.keys(
        'key',
        'value',
        'encoding',
        'version',
        'siblings',
        'replies',
        'r',
        'sloppy',
      )
      expect(read).to.include({ value: 'b', encoding: 'utf8', r: 2 })
      expect(await user.json(['del', 'a'])).to.include({ existed: true })
      expect(await user.json(['del', 'a'])).to.include({ key: 'a' })
      expectFailure(await user.kv(['get', 'a', '--json']), 3, 'not_found', /no value/)
      expect((await user.kv(['exists', 'a'])).code).to.equal(3)
    })

    it('2: what is out of range or over a limit', async () => {
      expectFailure(await user.kv(['set', 'a', 'b', '--w', '4', '--json']), 2, 'usage', /w/)
      expectFailure(await user.kv(['get', 'a', '--r', '4', '--json']), 2, 'usage', /r/)
      expectFailure(await user.kv(['get', 'a', '--r', '0', '--json']), 2, 'usage', /r/)
      expectFailure(await user.kv(['set', '', 'b', '--json']), 2, 'usage', /key is empty/)
      expectFailure(await user.kv(['set', 'k'.repeat(1025), 'b', '--json']), 2, 'too_large', /1025 bytes/)
      expect(await user.json(['set', 'k'.repeat(1024), ''])).to.include({ w: 2 })
      const large = Buffer.alloc(1024 * 1024 + 1, 'v')
      expectFailure(
        await user.kv(['set', 'large', '-', '--json'], { input: large }),
        2,
        'too_large',
        /over the limit/,
      )
      expect((await user.kv(['exists', 'large'])).code).to.equal(3)
      expectFailure(await user.kv(['set', 'a', '--file', './missing', '--json']), 2, 'usage', /no such file/)
      const unknown = await user.kv(['rnig', 'status'])
      expect([unknown.code, unknown.err]).to.deep.equal([
        2,
        'kv: there is no command "rnig"\n  did you mean: kv ring\n',
      ])
    })

    it('5: no quorum of the owners, and nothing was applied', async () => {
      await user.json(['chaos', 'partition', 'n1', 'n2', 'n3', 'n4', 'n5', '--for', '2m'])
      await eventually(
        'n1 to be alone',
        async () =>
          (
            await user.json<RingStatus>([
              'ring',
              'status',
              '--endpoint',
              user.endpoints().get('n1') as string,
            ])
          ).nodes.every((node) => node.id === 'n1' || node.state !== 'up'),
        30_000,
      )
      const run = await user.kv(['set', 'alone', 'v', '--json'])
      expectFailure(run, 5, 'no_quorum', /.+/)
      expect(run.json<ErrorBody>().error.definite).to.equal(true)
      await user.json(['chaos', 'heal'])
      await eventually(
        'the ring to be ok',
        async () => (await user.json<RingStatus>(['ring', 'status'])).health === 'ok',
        MINUTE,
      )
      expect((await user.kv(['exists', 'alone'])).code).to.equal(3)
    })

    it('7: chaos that the server was not started with', async () => {
      const node = user.start(['node', 'start', '--id', 'alone', '--data', user.file('alone'), ...ALONE])
      const listening = await firstLine(node)
      try {
        const run = await user.kv(['chaos', 'partition', 'alone', '--endpoint', listening.http, '--json'])
        expectFailure(run, 7, 'forbidden', /chaos is off/)
        const killing = await user.kv(['chaos', 'kill', 'alone', '--endpoint', listening.http, '--json'])
        expectFailure(killing, 2, 'usage', /not started by kv up/)
        expect(listening.pid).to.equal(node.pid)
      } finally {
        node.kill('SIGTERM')
      }
      expect((await node).exitCode).to.equal(0)
    })

    it('8 and 9: imports with bad records, each kept with its line and the reason', async () => {
      const input = 'id,name\n1,one\n2,"unclosed\n'
      const argv = [
        'import',
        '-',
        '--format',
        'csv',
        '--key',
        'row:{id}',
        '--bad',
        user.file('bad.ndjson'),
        '--json',
      ]
      const run = await user.kv(argv, { input })
      expect(run.code).to.equal(8)
      const tally = run.json<Record<string, number>>()
      expect(tally).to.include({ read: 2, written: 1, skipped: 0, rejected: 1, unknown: 0 })
      expect(tally).to.include.keys('seconds', 'rate')
      const bad = JSON.parse(readFileSync(user.file('bad.ndjson'), 'utf8'))
      expect(bad).to.include({ line: 3 })
      expect(bad.reason).to.be.a('string')
      const lines = 'not json\n'.repeat(5)
      const stopped = await user.kv(['import', '-', '--format', 'ndjson', '--max-errors', '2', '--json'], {
        input: lines,
      })
      expect(stopped.code).to.equal(9)
    })

    it('11: a ring that is not there', async () => {
      const run = await user.kv([
        'get',
        'a',
        '--endpoint',
        `http://127.0.0.1:${await unusedPort()}`,
        '--json',
      ])
      expectFailure(run, 11, 'unreachable', /cannot reach/)
      const status = await user.kv(['ring', 'status', '--endpoint', `http://127.0.0.1:${await unusedPort()}`])
      expect([status.code, status.out]).to.deep.equal([11, ''])
    })

    it('130: an interrupt, which leaves no process behind', async () => {
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

  describe('a node that cannot start', () => {
    const start = (argv: string[], env = {}): Promise<Ended> =>
      user.kv(['node', 'start', ...argv], { env, timeout: MINUTE })

    it('for its settings', async () => {
      const file = user.file('corrupt.yaml')
      writeFileSync(file, 'id: n1\nhttpPort: many\n')
      const corrupt = await start(['--config', file])
      expect(corrupt.code).to.equal(2)
      expect(corrupt.err).to.include('corrupt.yaml:2')
      expect((await start(['--config', user.file('missing.yaml')])).code).to.equal(2)
      const open = await start(['--host', '0.0.0.0', '--data', user.file('open'), ...ALONE])
      expect([open.code, /secret/.test(open.err)]).to.deep.equal([2, true])
      const short = await start(['--data', user.file('short'), ...ALONE], { KV_CLUSTER_SECRET: 'short' })
      expect([short.code, /secret/.test(short.err)]).to.deep.equal([2, true])
    })

    it('for its data directory: in use, of another node, damaged', async () => {
      const [first] = up.nodes as [(typeof up.nodes)[0]]
      const used = await start(['--id', 'n1', '--cluster', 'local', '--data', first.dataDir, ...ALONE])
      expect([used.code, used.err.includes(String(first.pid))]).to.deep.equal([4, true])

      const data = user.file('solo')
      const node = user.start(['node', 'start', '--id', 'solo', '--data', data, ...ALONE])
      await firstLine(node)
      node.kill('SIGTERM')
      await node
      const other = await start(['--id', 'other', '--data', data, ...ALONE])
      expect([other.code, /belongs to/.test(other.err)]).to.deep.equal([2, true])
      const table = findFile(data, /\.(ldb|log)$|^MANIFEST-/)
      truncateSync(table, Math.max(1, Math.floor(statSync(table).size / 2)))
      const damaged = await start(['--id', 'solo', '--data', data, '--json', ...ALONE])
      expect(damaged.code, damaged.err).to.be.oneOf([1, 5])
    })

    it('for a port that is taken', async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as { port: number }
      const taken = await start([
        '--data',
        user.file('taken'),
        '--peer-port',
        '0',
        '--http-port',
        String(port),
      ])
      server.close()
      expect([taken.code, taken.err.includes(String(port))]).to.deep.equal([4, true])
    })

    it('with the secret of another ring it is alone, and neither ring is changed', async () => {
      const { discoveryPort } = user.ring()
      const secret = user.file('secret-of-another')
      writeFileSync(secret, 'quite another secret\n')
      chmodSync(secret, 0o600)
      const argv = ['--id', 'n6', '--cluster', 'local', '--data', user.file('n6'), '--secret-file', secret]
      const ports = ['--http-port', '0', '--peer-port', '0', '--discovery-port', String(discoveryPort)]
      const node = user.start(['node', 'start', ...argv, ...ports])
      try {
        const { http } = await firstLine(node)
        const health = await fetch(`${http}/health/ready`)
        expect(health.status).to.equal(503)
        const alone = await user.kv(['set', 'a', 'b', '--endpoint', http, '--json'])
        expectFailure(alone, 5, 'not_ready', /.+/)
        const { nodes } = await user.json<RingStatus>(['ring', 'status'])
        expect(nodes.map(({ id }) => id)).to.not.include('n6')
      } finally {
        node.kill('SIGTERM')
      }
      expect((await node).exitCode).to.equal(0)
    })
  })

  async function firstLine(node: ReturnType<KvUser['start']>): Promise<{ http: string; pid: number }> {
    let text = ''
    for await (const chunk of node.stdout as AsyncIterable<Buffer>) {
      text += chunk
      if (text.includes('\n')) break
    }
    return JSON.parse(text)
  }
})

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

function readState(user: KvUser, name: string): number[] {
  try {
    return user.ring(name).nodes.flatMap((node) => (node.process ? [node.process.pid] : []))
  } catch {
    return []
  }
}

function findFile(directory: string, pattern: RegExp): string {
  const found = readdirSync(directory, { recursive: true, withFileTypes: true }).find(
    (entry) =>
      entry.isFile() &&
      pattern.test(entry.name) &&
      statSync(path.join(entry.parentPath, entry.name)).size > 0,
  )
  if (!found) throw new Error(`no ${pattern} in ${directory}`)
  return path.join(found.parentPath, found.name)
}
