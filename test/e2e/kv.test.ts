import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { execa } from 'execa'
import { KvError } from '../../shared/errors.ts'
import { FakeNode } from '../unit/client/fake-ring.ts'

const KV = path.join(import.meta.dirname, '../../cli/bin/kv.js')

interface Ended {
  code: number | undefined
  out: Buffer
  err: string
  json: () => Record<string, unknown>
}

describe('kv as a process', function () {
  this.timeout(60_000)

  let directory: string
  let node: FakeNode

  before(async () => {
    directory = mkdtempSync(path.join(tmpdir(), 'kvring-kv-'))
    node = await new FakeNode().listen()
  })

  after(async () => {
    await node.close()
    rmSync(directory, { recursive: true })
  })

  beforeEach(() => {
    node.values.clear()
    node.writes.length = 0
    node.mischief = () => undefined
    node.lineError = () => undefined
    node.onLine = () => undefined
  })

  async function kv(argv: string[], input?: Buffer): Promise<Ended> {
    const env = { PATH: process.env.PATH, KV_HOME: directory, KV_ENDPOINT: node.url }
    const options = {
      env,
      extendEnv: false,
      cwd: directory,
      reject: false,
      encoding: 'buffer',
      timeout: 30_000,
      stripFinalNewline: false,
    } as const
    const ended = await execa(process.execPath, [KV, ...argv], {
      ...options,
      ...(input ? { input } : { stdin: 'ignore' }),
    })
    const out = Buffer.from(ended.stdout)
    return {
      code: ended.exitCode,
      out,
      err: Buffer.from(ended.stderr).toString(),
      json: () => JSON.parse(out.toString()),
    }
  }

  it('sets and gets every byte through standard input and output', async () => {
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    expect((await kv(['set', 'k', '-'], every)).code).to.equal(0)
    const got = await kv(['get', 'k'])
    expect([got.code, got.out.equals(every), got.err]).to.deep.equal([0, true, ''])
    expect((await kv(['get', 'k', '--json'])).json()).to.include({
      key: 'k',
      encoding: 'base64',
      value: every.toString('base64'),
    })
    expect((await kv(['set', '-', '--key-encoding', 'hex', '--', 'ff00', '-x'])).code).to.equal(2)
    expect((await kv(['set', '--key-encoding', 'hex', '--', 'ff00', '-x'])).code).to.equal(0)
    expect(node.values.get('\xff\0')?.toString()).to.equal('-x')
  })

  it('says with its exit code whether a key exists', async () => {
    node.values.set('a', Buffer.from('1'))
    expect((await kv(['exists', 'a', '--json'])).json()).to.deep.equal({ key: 'a', exists: true })
    const missing = await kv(['exists', 'b', '--json'])
    expect([missing.code, missing.json()]).to.deep.equal([3, { key: 'b', exists: false }])
  })

  const errors: [string, string[], () => void, number, string][] = [
    ['a missing key', ['get', 'none'], () => undefined, 3, 'not_found'],
    [
      'no quorum',
      ['set', 'a', '1'],
      () => {
        node.mischief = () => ({ kind: 'error', error: new KvError('no_quorum', 'few') })
      },
      5,
      'no_quorum',
    ],
    [
      'an unknown outcome',
      ['set', 'a', '1'],
      () => {
        node.mischief = () => ({ kind: 'drop', applied: true })
      },
      6,
      'outcome_unknown',
    ],
    [
      'a key that is refused',
      ['get', 'a'],
      () => {
        node.mischief = () => ({ kind: 'error', error: new KvError('unauthorized', 'who?') })
      },
      7,
      'unauthorized',
    ],
    [
      'a law of the ring that is broken',
      ['get', 'a'],
      () => {
        node.mischief = () => ({ kind: 'error', error: new KvError('invariant', 'a version came twice') })
      },
      10,
      'invariant',
    ],
    [
      'a ring that is down',
      ['get', 'a', '--endpoint', 'http://127.0.0.1:1'],
      () => undefined,
      11,
      'unreachable',
    ],
    [
      'a checkpoint that cannot be kept',
      ['import', 'one.ndjson', '--key', '{id}', '--checkpoint', 'none/state'],
      () => writeFileSync(path.join(directory, 'one.ndjson'), '{"id":1}\n'),
      2,
      'usage',
    ],
    ['an unknown command', ['gett', 'a'], () => undefined, 2, 'usage'],
    ['an unknown flag', ['get', 'a', '--siblngs'], () => undefined, 2, 'usage'],
    ['r out of range', ['get', 'a', '--r', '0'], () => undefined, 2, 'usage'],
    ['a missing argument', ['get'], () => undefined, 2, 'usage'],
    ['an argument too many', ['get', 'a', 'b'], () => undefined, 2, 'usage'],
    ['an empty key', ['get', ''], () => undefined, 2, 'usage'],
    ['a key that is too long', ['get', 'x'.repeat(1025)], () => undefined, 2, 'too_large'],
    ['a missing file', ['set', 'a', '--file', 'none'], () => undefined, 2, 'usage'],
    ['a missing file of records', ['import', 'none.csv', '--key', '{a}'], () => undefined, 2, 'usage'],
  ]
  for (const [what, argv, make, code, name] of errors) {
    it(`exits with ${code} for ${what}, for people and for programs`, async () => {
      make()
      const plain = await kv(argv)
      expect([plain.code, plain.out.length], plain.err).to.deep.equal([code, 0])
      expect(plain.err).to.match(/^kv: .+\n/)
      const json = await kv([...argv, '--json'])
      expect([json.code, json.err]).to.deep.equal([code, ''])
      expect(json.json().error)
        .to.include({ code: name })
        .and.to.have.all.keys('code', 'message', 'definite', 'retryable', 'hint')
    })
  }

  it('imports, keeps the bad records with line and reason, and exits with 8', async () => {
    const bad = path.join(directory, 'bad.ndjson')
    const source = Buffer.from('\ufeffid,name\r\n1,"a\r\nb"\r\n2\r\n3,c\r\n1,last\r\n,none\r\n4,large\r\n')
    node.lineError = ({ key }) =>
      key === 'u4' ? new KvError('too_large', 'the value is too large') : undefined
    const ended = await kv(
      ['import', '-', '--format', 'csv', '--key', 'u{id}', '--value', 'name', '--bad', bad, '--json'],
      source,
    )
    expect(ended.code).to.equal(8)
    expect(ended.json()).to.include({ read: 6, written: 4, skipped: 0, rejected: 2, unknown: 0 })
    expect(Object.fromEntries([...node.values].map(([key, value]) => [key, value.toString()]))).to.deep.equal(
      { u1: 'last', u3: 'c', u: 'none' },
    )
    const lines = readFileSync(bad, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { line: number; reason: string })
    expect(lines.map(({ line }) => line)).to.have.members([4, 8])
  })

  it('stops an import by --max-errors with 9, and sends nothing in a dry run', async () => {
    const source = Buffer.from('{"id":1}\nx\ny\nz\n{"id":2}\n')
    const argv = ['import', '-', '--format', 'ndjson', '--key', '{id}', '--json']
    const stopped = await kv([...argv, '--max-errors', '1'], source)
    expect([stopped.code, (stopped.json().error as { code: string }).code]).to.deep.equal([9, 'stopped'])
    node.values.clear()
    const dry = await kv([...argv, '--dry-run'], source)
    expect(dry.json()).to.include({ read: 5, skipped: 2, rejected: 3, written: 0 })
    expect(node.values.size).to.equal(0)
  })

  it('finishes what is on its way on Ctrl-C, exits with 130, and goes on with --resume', async () => {
    const file = path.join(directory, 'many.ndjson')
    const state = path.join(directory, 'many.state')
    writeFileSync(file, Array.from({ length: 3_000 }, (_, id) => `{"id":${id}}\n`).join(''))
    const env = { PATH: process.env.PATH, KV_HOME: directory, KV_ENDPOINT: node.url }
    const argv = [
      'import',
      file,
      '--key',
      '{id}',
      '--checkpoint',
      state,
      '--rate',
      '1000/s',
      '--concurrency',
      '10',
      '--json',
    ]
    const running = execa(process.execPath, [KV, ...argv], { env, extendEnv: false, reject: false })
    node.onLine = () => {
      if (node.writes.length === 300) running.kill('SIGINT')
    }
    const interrupted = await running
    expect(interrupted.exitCode).to.equal(130)
    const first = JSON.parse(interrupted.stdout) as { written: number }
    expect(first.written).to.be.within(300, 2_900).and.to.equal(node.writes.length)
    expect((await kv(argv)).code, 'a second start without --resume').to.equal(2)
    const resumed = await kv(['import', file, '--key', '{id}', '--checkpoint', state, '--resume', '--json'])
    expect(resumed.json()).to.include({ read: 3_000, skipped: first.written, written: 3_000 - first.written })
    expect([node.values.size, node.writes.length]).to.deep.equal([3_000, 3_000])
    expect(existsSync(`${state}.new`)).to.equal(false)
  })

  it('exports what an import reads back', async () => {
    node.values.set('\xff', Buffer.from([0, 1, 255]))
    node.values.set('a', Buffer.from('"x",\n'))
    const before = new Map(node.values)
    for (const format of ['ndjson', 'csv']) {
      const exported = await kv(['export', '--format', format])
      node.values.clear()
      expect((await kv(['import', '-', '--format', format], exported.out)).code).to.equal(0)
      expect(node.values).to.deep.equal(before)
    }
  })

  it('ends quietly when nobody reads its output', async () => {
    for (let i = 0; i < 2_000; i++) node.values.set(`key-${i}`, Buffer.alloc(100))
    const { stdout, stderr } = await execa('sh', ['-c', `"${process.execPath}" "${KV}" export | head -n 1`], {
      env: { KV_HOME: directory, KV_ENDPOINT: node.url },
    })
    expect([JSON.parse(stdout).encoding, stderr]).to.deep.equal(['utf8', ''])
  })
})
