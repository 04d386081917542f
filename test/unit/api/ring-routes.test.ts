import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import type { LayoutResult } from '../../../shared/api.ts'
import { KvError } from '../../../shared/errors.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('the ring over HTTP', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

  it('tells of the ring', async () => {
    expect((await api.app.inject('/ring')).json()).to.include({
      cluster: 'c',
      layoutVersion: 1,
      health: 'ok',
    })
    expect((await api.app.inject('/nodes')).json().nodes[0]).to.include({ id: 'n1', state: 'up' })
    expect((await api.app.inject('/hints')).json().hints[0]).to.include({ holder: 'n1', target: 'n2' })
    expect((await api.app.inject('/ring/locate?key=%C3%A9')).json()).to.include({ key: '\xc3\xa9', slot: 1 })
    expect((await api.app.inject('/ring/locate')).statusCode).to.equal(400)
  })

  it('has hints sent, all or those for one node', async () => {
    const replay = (query = '') => api.app.inject({ method: 'POST', url: `/hints/replay${query}` })
    expect((await replay()).json().hints).to.deep.equal([
      { holder: 'n1', target: 'n2', count: 1, sending: true },
    ])
    expect((await replay('?node=n1')).json().hints[0]).to.include({ target: 'n1' })
    expect((await replay('?node=n9')).statusCode).to.equal(404)
    expect((await replay('?nod=n1')).statusCode).to.equal(400)
    expect((await api.app.inject('/hints')).json()).to.include({ markedSlots: 2 })
  })

  it('gives the layout in a form that a client can read', async () => {
    const layout: LayoutResult = (await api.app.inject('/ring/layout')).json()
    const owners = Buffer.from(layout.owners, 'base64')
    expect(owners).to.have.length(16_384 * 3 * 2)
    const ownersOf = (slot: number) =>
      [0, 1, 2].map((i) => layout.members[owners.readUInt16BE((slot * layout.width + i) * 2)]?.id)
    expect(ownersOf(0)).to.deep.equal(['n1', 'n2', 'n3'])
    expect(ownersOf(16_383)).to.deep.equal(['n4', 'n1', 'n2'])
    expect(layout.former).to.deep.equal(['n0'])
    expect(layout.members[0]).to.deep.equal({
      id: 'n1',
      zone: 'default',
      weight: 1,
      http: 'http://127.0.0.1:1',
    })
    node.formed = false
    expect((await api.app.inject('/ring/layout')).statusCode).to.equal(503)
  })

  it('tells whether it is alive and ready', async () => {
    const status = async (path: string) => (await api.app.inject(path)).statusCode
    expect(await status('/health/ready')).to.equal(200)
    node.ready = { ready: false, reason: 'the ring is not formed yet' }
    expect(await status('/health/live')).to.equal(200)
    expect((await api.app.inject('/health/ready')).json()).to.include({
      status: 'not_ready',
      reason: 'the ring is not formed yet',
    })
    expect(await status('/health')).to.equal(503)
    node.well = false
    expect(await status('/health/live')).to.equal(503)
  })

  it('measures its requests, by route and not by key', async () => {
    await api.app.inject({ method: 'PUT', url: '/kv/some-key', payload: 'v' })
    await api.app.inject('/kv/missing')
    await api.app.inject('/kv/a?r=0')
    const { body } = await api.app.inject('/metrics')
    const name = 'kvring_http_request_duration_seconds_count'
    expect(body).to.contain(`${name}{method="PUT",route="/kv/{key}",status="200"} 1\n`)
    expect(body).to.contain(`${name}{method="GET",route="/kv/{key}",status="404"} 1\n`)
    expect(body).to.contain(`${name}{method="GET",route="/kv/{key}",status="400"} 1\n`)
    expect(body).to.match(/^# TYPE kvring_commits_total counter\nkvring_commits_total 7$/m)
    expect(body).to.contain('kvring_node_info{id="n1",cluster="c",version="1.2.3"} 1')
    expect(body).not.to.contain('some-key')
  })

  it('change the policy to one that there is, and to no other', async () => {
    const post = (url: string) => api.app.inject({ method: 'POST', url })
    const changed = await post('/ring/policy?conflicts=siblings')
    expect([changed.statusCode, changed.json().conflicts]).to.deep.equal([200, 'siblings'])
    for (const query of ['', '?conflicts=', '?conflicts=last', '?conflicts=LWW', '?policy=lww']) {
      const refused = await post(`/ring/policy${query}`)
      expect([refused.statusCode, refused.json().error.code], query).to.deep.equal([400, 'usage'])
    }
    expect(node.policies).to.deep.equal(['siblings'])
  })

  it('take a node out that is named, and none otherwise', async () => {
    const post = (query: string) => api.app.inject({ method: 'POST', url: `/ring/remove${query}` })
    const removed = await post('?node=n4')
    expect(removed.statusCode).to.equal(200)
    expect(removed.json()).to.deep.equal({ removed: 'n4', layoutVersion: 2, changed: true, waitingFor: [] })
    for (const query of ['?node=n3&force=true', '?force&node=n3', '?node=n3&force=false'])
      expect((await post(query)).statusCode, query).to.equal(200)
    for (const query of [
      '',
      '?force=true',
      '?node=',
      '?node',
      '?node=n2&force=maybe',
      '?node=n2&node=n3',
      '?id=n2',
      '?node=n2&forced=true',
      '?node=%zz',
    ]) {
      const refused = await post(query)
      expect([refused.statusCode, refused.json().error.code], query).to.deep.equal([400, 'usage'])
      expect(refused.json().error.hint, query).to.not.equal('')
    }
    for (const method of ['GET', 'PUT', 'DELETE'] as const)
      expect((await api.app.inject({ method, url: '/ring/remove?node=n2' })).statusCode, method).to.equal(405)
    expect(node.removals).to.deep.equal([
      { id: 'n4', force: false },
      { id: 'n3', force: true },
      { id: 'n3', force: true },
      { id: 'n3', force: false },
    ])
  })

  it('say why a node stays', async () => {
    node.removeNode = async (id) => {
      throw new KvError('conflict', `${id} is up`, 'stop it first')
    }
    const refused = await api.app.inject({ method: 'POST', url: '/ring/remove?node=n4' })
    expect([refused.statusCode, refused.json().error]).to.deep.equal([
      409,
      { code: 'conflict', message: 'n4 is up', definite: true, retryable: false, hint: 'stop it first' },
    ])
  })
})
