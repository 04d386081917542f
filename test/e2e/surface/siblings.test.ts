import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type { PolicyResult, ReadResult, RingStatus, SiblingResult } from '../../../shared/api.ts'
import { KvUser } from '../kv-user.ts'
import { expectFailure, MINUTE, untilAlone, untilOk } from './surface.ts'

/** KV_E2E_STALE_WRITES=10000 makes as many as the bar asks for. */
const STALE_WRITES = Number(process.env.KV_E2E_STALE_WRITES || 2_000)

interface Shown {
  readonly siblings: readonly (SiblingResult & { readonly bytes: number })[]
}

interface Resolved {
  readonly resolved: boolean
  readonly version: string
  readonly replaced: readonly string[]
}

describe('concurrent values of a key', function () {
  this.timeout(2 * MINUTE)

  const user = new KvUser()
  before(() => user.json(['up', '-n', '3', '--conflicts', 'siblings']))
  after(() => user.dispose())

  const show = (key: string) => user.json<Shown>(['siblings', 'show', key, '--r', '3'])
  const resolve = (key: string, ...how: string[]) => user.json<Resolved>(['siblings', 'resolve', key, ...how])
  const valuesOf = ({ siblings }: Shown) => siblings.map(({ value }) => value)
  const at = (id: string) => ['--endpoint', user.endpoints().get(id) as string]

  it('come of a partition, are shown, and are resolved to one', async () => {
    await user.json(['chaos', 'partition', 'n1', '--for', '5m'])
    await untilAlone(user, 'n1')
    await user.json(['set', 'cart', 'apples', '--w', '1', ...at('n1')])
    await user.json(['set', 'cart', 'pears', '--w', '2', ...at('n2')])
    await user.json(['chaos', 'heal'])
    await untilOk(user)
    const { siblings } = await show('cart')
    expect(valuesOf({ siblings })).to.have.members(['apples', 'pears'])
    const apples = siblings.find(({ value }) => value === 'apples')
    expect(apples).to.include({ node: 'n1', bytes: 6, encoding: 'utf8' })
    expect(Date.parse(apples?.time ?? '')).to.be.within(Date.now() - 2 * MINUTE, Date.now() + 1_000)
    const { out } = await user.kv(['siblings', 'show', 'cart'])
    expect(out).to.match(/^VERSION +WRITTEN BY +TIME +SIZE +VALUE\n(.*\n){2}$/)
    expect(out).to.match(/^n1\.\S+ +n1 .* 6 B +apples$/m)

    const picked = await resolve('cart', '--pick', apples?.version as string)
    expect(picked.resolved).to.equal(true)
    expect(picked.replaced).to.have.members(siblings.map(({ version }) => version))
    expect(valuesOf(await show('cart'))).to.deep.equal(['apples'])
    expect(await resolve('cart', '--newest')).to.deep.include({ resolved: false, replaced: [] })
  })

  it('are shown or not, as kv ring policy says, without being lost', async () => {
    await user.json(['chaos', 'partition', 'n1', '--for', '5m'])
    await untilAlone(user, 'n1')
    await user.json(['set', 'basket', 'plums', '--w', '1', ...at('n1')])
    await user.json(['set', 'basket', 'grapes', '--w', '2', ...at('n2')])
    // n1 hears of the change only when it is back.
    const away = await user.json<PolicyResult>(['ring', 'policy', 'lww', ...at('n2')])
    expect(away).to.include({ conflicts: 'lww', layoutVersion: 2, changed: true })
    expect(away.waitingFor).to.include('n1')
    const alone = await user.kv(['ring', 'policy', 'siblings', '--json', ...at('n1')])
    expectFailure(alone, 5, 'no_quorum', /^no majority of the members/)
    await user.json(['chaos', 'heal'])
    await untilOk(user)
    expect(valuesOf(await show('basket'))).to.deep.equal(['grapes'])
    const status = await user.json<RingStatus>(['ring', 'status', ...at('n1')])
    expect(status).to.include({ conflicts: 'lww', layoutVersion: 2 })
    const back = await user.json<PolicyResult>(['ring', 'policy', 'siblings'])
    expect(back).to.include({ conflicts: 'siblings', layoutVersion: 3, changed: true })
    expect(await user.json(['ring', 'policy', 'siblings'])).to.include({ layoutVersion: 3, changed: false })
    expect(valuesOf(await show('basket'))).to.have.members(['plums', 'grapes'])
    expect((await user.kv(['ring', 'policy'])).out).to.match(
      /^siblings: of concurrent writes readers get all/,
    )
    expectFailure(await user.kv(['ring', 'policy', 'latest', '--json']), 2, 'usage', /latest/)
  })

  it('come of stale contexts; what comes after the read stays beside what it was resolved to', async () => {
    await user.json(['set', 'list', 'one'])
    const { context } = await user.json<ReadResult>(['get', 'list'])
    for (const text of ['two', 'three']) await user.json(['set', 'list', text, '--context-token', context])
    expect(valuesOf(await show('list'))).to.deep.equal(['three', 'two'])
    const stale = await user.json<ReadResult>(['get', 'list', '--siblings'])
    writeFileSync(user.file('merged'), 'two, three')
    await resolve('list', '--file', 'merged')
    await user.json(['set', 'list', 'late', '--context-token', stale.context])
    expect(valuesOf(await show('list'))).to.have.members(['two, three', 'late'])
    await resolve('list', '--newest')
    expect(valuesOf(await show('list'))).to.deep.equal(['late'])
    expect(await resolve('list', '--value', '')).to.deep.include({ resolved: true })
    expect(valuesOf(await show('list'))).to.deep.equal([''])
    await resolve('list', '--delete')
    expectFailure(await user.kv(['siblings', 'show', 'list', '--json']), 3, 'not_found', /no value for list/)
    expectFailure(await user.kv(['siblings', 'resolve', 'list', '--newest', '--json']), 3, 'not_found', /./)
  })

  it('are no more than their writers, however many writes with stale contexts there were', async () => {
    const writers = 8
    const urls = [...user.endpoints().values()]
    let written = 0
    let most = 0
    const write = async (writer: number): Promise<void> => {
      for (let turn = writer; written < STALE_WRITES; turn++) {
        const url = (offset: number) => `${urls[(turn + offset) % urls.length]}/kv/contended`
        const read = await fetch(`${url(0)}?siblings=true`, { headers: { accept: 'application/json' } })
        const { context, siblings } = (await read.json()) as Partial<ReadResult>
        most = Math.max(most, siblings?.length ?? 0)
        const headers: Record<string, string> = context === undefined ? {} : { 'x-kv-context': context }
        written++
        const answer = await fetch(url(1), { method: 'PUT', headers, body: `${writer}: ${turn}` })
        expect(answer.status, await answer.text()).to.equal(200)
      }
    }
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)))
    expect(most).to.be.within(2, writers)
    const { siblings } = await show('contended')
    expect(siblings.length).to.be.within(1, writers)
  })

  it('keep the time that was left to the one that is picked', async () => {
    await user.json(['set', 'lease', 'mine', '--ttl', '1h'])
    await user.json(['set', 'lease', 'yours'])
    const mine = (await show('lease')).siblings.find(({ value }) => value === 'mine')
    expect(mine?.ttlMs).to.be.within(50 * MINUTE, 60 * MINUTE)
    await resolve('lease', '--pick', mine?.version as string)
    const [left] = (await show('lease')).siblings
    expect(left?.value).to.equal('mine')
    expect(left?.ttlMs).to.be.within(50 * MINUTE, 60 * MINUTE)
  })

  it('are not resolved without a clear choice', async () => {
    await user.json(['set', 'clear', 'one'])
    const fails = async (how: string[], exit: number, code: string, message: RegExp) =>
      expectFailure(await user.kv(['siblings', 'resolve', 'clear', ...how, '--json']), exit, code, message)
    await fails([], 2, 'usage', /not said what to keep/)
    await fails(['--newest', '--delete'], 2, 'usage', /several ways/)
    await fails(['--pick', 'n9:1'], 3, 'not_found', /no value of the key has the version "n9:1"/)
    await fails(['--file', 'missing'], 2, 'usage', /no such file/)
    expect(valuesOf(await show('clear'))).to.deep.equal(['one'])
  })

  it('are bounded: a write that would leave too many is refused, and says what to do', async () => {
    const url = `${user.endpoints().get('n1')}/kv/crowd`
    for (let i = 0; i < 100; i++)
      expect((await fetch(url, { method: 'PUT', body: `${i}` })).ok).to.equal(true)
    const refused = await user.kv(['set', 'crowd', 'too many'])
    expect(refused.code).to.equal(4)
    expect(refused.err).to.match(
      /^kv: crowd has 100 concurrent values already.*\n {2}.*kv siblings show crowd/,
    )
    expect((await show('crowd')).siblings).to.have.length(100)
    expect((await resolve('crowd', '--value', 'one')).replaced).to.have.length(100)
    expect(valuesOf(await show('crowd'))).to.deep.equal(['one'])
  })
})
