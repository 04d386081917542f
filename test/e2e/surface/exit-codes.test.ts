import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { expect } from 'chai'
import type { ErrorBody } from '../../../shared/errors.ts'
import {
  ALONE,
  expectFailure,
  firstLine,
  MINUTE,
  untilAlone,
  untilOk,
  unusedPort,
  withRing,
} from './surface.ts'

/** What other programs hold on to: the exit codes, and the fields of --json. */
describe('the exit code', function () {
  this.timeout(2 * MINUTE)

  const { user } = withRing()

  const at = (id: string): string[] => ['--endpoint', user.endpoints().get(id) as string]

  it('0 and 3: keys that are there, and keys that are not', async () => {
    const written = await user.json(['set', 'a', 'b'])
    expect(written).to.include.keys('key', 'version', 'acks', 'w', 'sloppy', 'coordinator')
    expect(written).to.include({ key: 'a', w: 2 })
    const read = await user.json(['get', 'a', '--siblings'])
    expect(read).to.include.keys('key', 'value', 'encoding', 'version', 'siblings', 'replies', 'r', 'sloppy')
    expect(read).to.include({ value: 'b', encoding: 'utf8', r: 2 })
    expect(await user.json(['del', 'a'])).to.include({ existed: true })
    expect(await user.json(['del', 'a'])).to.include({ key: 'a' })
    expectFailure(await user.kv(['get', 'a', '--json']), 3, 'not_found', /no value/)
    expect((await user.kv(['exists', 'a'])).code).to.equal(3)
  })

  it('2: what is out of range or over a limit', async () => {
    expectFailure(await user.kv(['set', 'a', 'b', '--w', '4', '--json']), 2, 'usage', /w/)
    expectFailure(await user.kv(['get', 'a', '--r', '4', '--json']), 2, 'usage', /r/)
    expectFailure(await user.kv(['get', 'a', '--r', '0', '--json']), 2, 'usage', /^--r: expected/)
    const alone = await user.kv(['import', '-', '--resume', '--json'])
    expectFailure(alone, 2, 'usage', /^--resume goes with --checkpoint$/)
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
    for (const id of user.endpoints().keys()) await untilAlone(user, id)
    const run = await user.kv(['set', 'alone', 'v', '--json'])
    expectFailure(run, 5, 'no_quorum', /.+/)
    expect(run.json<ErrorBody>().error.definite).to.equal(true)
    const read = await user.kv(['get', 'alone', '--json', ...at('n1')])
    expectFailure(read, 5, 'no_quorum', /^r=2, but of the nodes .* alone, in reach of this node: 1 of 5$/)
    await user.json(['chaos', 'heal'])
    await untilOk(user)
    expect((await user.kv(['exists', 'alone'])).code).to.equal(3)
  })

  it('6 is what HTTP tells with 504: a write that was sent on, and not answered in time', async () => {
    const others = user.ring().nodes.filter((node) => node.id !== 'n1')
    const pids = others.map((node) => node.process?.pid as number)
    const url = `${user.endpoints().get('n1')}/kv/lost?timeout=1s`
    // The node asks for the body when it has the rest: the others stop just before the write, too late to be missed.
    const put = request(url, { method: 'PUT', headers: { expect: '100-continue' } })
    put.flushHeaders()
    await once(put, 'continue')
    try {
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      put.end('v')
      const [answer] = (await once(put, 'response')) as [IncomingMessage]
      const { error } = (await json(answer)) as ErrorBody
      expect([answer.statusCode, error.code]).to.deep.equal([504, 'outcome_unknown'])
      expect(error).to.include({ definite: false, retryable: true })
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    }
    await untilOk(user)
    expect((await user.kv(['get', 'lost'])).code).to.be.oneOf([0, 3])
  })

  it('6: a write to a node that hangs', async () => {
    await user.json(['chaos', 'pause', 'n1'])
    const run = await user.kv(['set', 'lost', 'v', '--timeout', '1s', '--json', ...at('n1')])
    expectFailure(run, 6, 'outcome_unknown', /sent but not answered/)
    await user.json(['chaos', 'heal'])
    await untilOk(user)
  })

  it('7: chaos that the server was not started with', async () => {
    const node = user.start(['node', 'start', '--id', 'alone', '--data', user.file('alone'), ...ALONE])
    const listening = await firstLine(node)
    try {
      const run = await user.kv(['chaos', 'status', '--endpoint', listening.http, '--json'])
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
    const run = await user.kv(['get', 'a', '--endpoint', `http://127.0.0.1:${await unusedPort()}`, '--json'])
    expectFailure(run, 11, 'unreachable', /cannot reach/)
    const status = await user.kv(['ring', 'status', '--endpoint', `http://127.0.0.1:${await unusedPort()}`])
    expect([status.code, status.out]).to.deep.equal([11, ''])
  })
})
