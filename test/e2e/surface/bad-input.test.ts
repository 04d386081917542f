import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import type { LayoutResult, ReadResult, RepairStatus } from '../../../shared/api.ts'
import type { ErrorBody } from '../../../shared/errors.ts'
import { KvUser } from '../kv-user.ts'
import { ALONE, expectFailure, MINUTE } from './surface.ts'

/** What cannot be meant is refused, with the reason and what to do, and changes nothing. */
describe('bad input', function () {
  this.timeout(2 * MINUTE)

  const user = new KvUser()
  let url: string

  before(async () => {
    await user.json(['up', '-n', '3'])
    url = user.endpoints().get('n1') as string
    await user.json(['set', 'one', 'kept'])
    await user.json(['set', 'two', 'other'])
  })

  after(() => user.dispose())

  const read = (key: string) => user.json<ReadResult>(['get', key])

  async function expectRefusal(
    answer: Response,
    status: number,
    code: string,
    message: RegExp,
  ): Promise<void> {
    const text = await answer.text()
    expect(answer.status, text).to.equal(status)
    const { error } = JSON.parse(text) as ErrorBody
    expect(error).to.include({ code, definite: true })
    expect(error.message).to.match(message)
    expect(error.hint).to.not.equal('')
  }

  it('a conflict policy that there is none of: by flag, variable and file', async () => {
    const up = await user.kv(['up', '--name', 'odd', '--conflicts', 'newest', '--json'])
    expectFailure(up, 2, 'usage', /--conflicts.*newest.*lww, siblings/s)
    expect(readdirSync(path.join(user.home, 'rings'))).to.deep.equal(['local'])
    const data = user.file('never')
    const start = ['node', 'start', '--id', 'n9', '--data', data, ...ALONE, '--json']
    const policy = /conflicts must be one of lww, siblings, not "newest"/
    expectFailure(await user.kv([...start, '--conflicts', 'newest']), 2, 'usage', policy)
    expectFailure(await user.kv(start, { env: { KV_CONFLICTS: 'newest' } }), 2, 'usage', policy)
    writeFileSync(user.file('node.yaml'), 'conflicts: newest\n')
    expectFailure(await user.kv([...start, '--config', user.file('node.yaml')]), 2, 'usage', policy)
    expect(existsSync(data)).to.equal(false)
  })

  it('a context that is forged, of another key, of another ring, or none at all', async () => {
    const before = await read('one')
    const other = (await read('two')).context
    const forged = `${before.context.slice(0, -1)}${before.context.endsWith('A') ? 'B' : 'A'}`
    const grown = Buffer.concat([Buffer.from(before.context, 'base64url'), Buffer.of(1)]).toString(
      'base64url',
    )
    const stranger = new KvUser()
    let foreign: string
    try {
      await stranger.json(['up', '-n', '1'])
      await stranger.json(['set', 'one', 'elsewhere'])
      foreign = (await stranger.json<ReadResult>(['get', 'one'])).context
    } finally {
      await stranger.dispose()
    }
    for (const token of [other, forged, grown, foreign, 'no token', '?', 'A', 'x'.repeat(20_000)]) {
      const why = /^the causal context (was not made by this ring for this key|is malformed)$/
      const run = await user.kv(['set', 'one', 'lost', `--context-token=${token}`, '--json'])
      expectFailure(run, 2, 'usage', why)
      for (const method of ['PUT', 'DELETE']) {
        const headers = { 'x-kv-context': token }
        const body = method === 'PUT' ? { body: 'lost' } : {}
        await expectRefusal(await fetch(`${url}/kv/one`, { method, headers, ...body }), 400, 'usage', why)
      }
      const line = JSON.stringify({ op: 'put', key: 'one', value: 'lost', context: token })
      const answer = JSON.parse(await (await fetch(`${url}/kv`, { method: 'POST', body: line })).text())
      expect(answer).to.deep.include({ line: 1, status: 400 })
      expect(answer.error.message).to.match(why)
    }
    const after = await read('one')
    expect([after.value, after.version]).to.deep.equal(['kept', before.version])
  })

  it('a slot that there is none of', async () => {
    const rounds = async () =>
      (await user.json<{ nodes: RepairStatus[] }>(['repair', 'status'])).nodes.map(({ state }) => state)
    for (const slot of ['16384', '-1', '1.5', 'x']) {
      expectFailure(await user.kv(['repair', 'start', `--slot=${slot}`, '--json']), 2, 'usage', /slot/)
      const answer = await fetch(`${url}/repair/start?slot=${slot}`, { method: 'POST' })
      await expectRefusal(answer, 400, 'usage', /^slot=.* is out of range$/)
    }
    expectFailure(
      await user.kv(['repair', 'start', '--slot', '1', '--node', 'n9', '--json']),
      3,
      'not_found',
      /no node "n9"/,
    )
    expect(await rounds()).to.have.length(3)
    const { nodes } = await user.json<{ nodes: RepairStatus[] }>(['repair', 'start', '--slot', '16383'])
    expect(nodes.map(({ node }) => node)).to.have.members(['n1', 'n2', 'n3'])
  })

  it('a node to remove that is none, is up, or is not named', async () => {
    const members = async () => (await (await fetch(`${url}/ring/layout`)).json()) as LayoutResult
    const before = await members()
    const remove = (query: string) => fetch(`${url}/ring/remove${query}`, { method: 'POST' })
    for (const query of ['', '?force=true', '?node=', '?node=n3&node=n2', '?node=n3&force=maybe', '?id=n3'])
      await expectRefusal(await remove(query), 400, 'usage', /./)
    await expectRefusal(await remove('?node=n9&force=true'), 404, 'not_found', /no member "n9"/)
    await expectRefusal(await remove('?node=n3&force=true'), 409, 'conflict', /^n3 is up/)
    expectFailure(await user.kv(['node', 'remove', '--json']), 2, 'usage', /ID/)
    expectFailure(await user.kv(['node', 'remove', '', '--json']), 2, 'usage', /no node is named/)
    expectFailure(await user.kv(['node', 'remove', 'n9', '--json']), 3, 'not_found', /no member "n9"/)
    expectFailure(await user.kv(['node', 'remove', 'n3', '--force', '--json']), 4, 'conflict', /^n3 is up/)
    expect(await members()).to.deep.equal(before)
    expect(user.ring().nodes.map(({ id }) => id)).to.deep.equal(['n1', 'n2', 'n3'])
  })

  it('quorums, times and names of parameters over HTTP', async () => {
    const put = (query: string) => fetch(`${url}/kv/one?${query}`, { method: 'PUT', body: 'lost' })
    for (const query of [
      'w=0',
      'w=4',
      'w=x',
      'ttl=-1s',
      'ttl=soon',
      'strict=maybe',
      'conflicts=newest',
      'w=1&w=2',
    ])
      await expectRefusal(await put(query), 400, 'usage', /./)
    for (const query of ['r=0', 'r=4', 'r=', 'siblings=some', 'policy=lww'])
      await expectRefusal(await fetch(`${url}/kv/one?${query}`), 400, 'usage', /./)
    expect((await read('one')).value).to.equal('kept')
  })
})
