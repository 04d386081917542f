import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import type { LayoutResult } from '../../../shared/api.ts'
import { KvError } from '../../../shared/errors.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('the HTTP API', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

  const fill = async (keys: string[], value = 'v'): Promise<void> => {
    for (const key of keys) await node.coordinator.put(key as never, Buffer.from(value), {})
  }
  const lines = (body: string): unknown[] =>
    body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

  describe('/repair and /scrub', () => {
    it('tell how they are, and take orders with POST only', async () => {
      expect(JSON.parse((await api.app.inject('/repair')).body)).to.include({ node: 'n1', state: 'idle' })
      for (const path of ['/repair/start', '/repair/pause', '/repair/resume', '/scrub/start']) {
        expect((await api.app.inject(path)).statusCode, path).to.equal(405)
        expect((await api.app.inject({ method: 'POST', url: path })).statusCode, path).to.equal(200)
      }
      expect(node.repair.orders).to.deep.equal(['compare', 'pause', 'resume', 'scrub'])
      expect(JSON.parse((await api.app.inject('/repair')).body)).to.include({ state: 'paused' })
      expect(JSON.parse((await api.app.inject('/scrub')).body)).to.include({ state: 'running', slots: 16384 })
    })
  })

  describe('GET /scan', () => {
    it('lists the entries under a prefix, and how it ended', async () => {
      await fill(['a/1', 'a/2', 'b/1'])
      const { body, headers } = await api.app.inject('/scan?prefix=a%2F')
      expect(headers['content-type']).to.equal('application/x-ndjson')
      expect(lines(body)).to.deep.equal([
        { key: 'a/1', value: 'v', encoding: 'utf8' },
        { key: 'a/2', value: 'v', encoding: 'utf8' },
        { end: true, count: 2 },
      ])
    })

    it('stops at its limit with a cursor to go on', async () => {
      await fill(['a', 'b', 'c'])
      const first = lines((await api.app.inject('/scan?limit=2&values=false')).body)
      expect(first).to.deep.equal([{ key: 'a' }, { key: 'b' }, { end: true, count: 2, cursor: 'b' }])
      const rest = lines((await api.app.inject('/scan?limit=2&values=false&cursor=b')).body)
      expect(rest).to.deep.equal([{ key: 'c' }, { end: true, count: 1 }])
    })

    it('goes through many pages, and asks for fewer entries where they are large', async () => {
      await fill(
        Array.from({ length: 250 }, (_, i) => `k${i}`),
        'x'.repeat(50_000),
      )
      const limits: number[] = []
      const { scan } = node.coordinator
      node.coordinator.scan = (options) => {
        limits.push(options.limit)
        return scan.call(node.coordinator, options)
      }
      const found = lines((await api.app.inject('/scan')).body)
      expect(found).to.have.length(251)
      expect(limits[0]).to.equal(100)
      expect(limits[1]).to.equal(20)
    })

    it('answers an error with its status where nothing was sent, and as the last line where something was', async () => {
      await fill(Array.from({ length: 150 }, (_, i) => `k${i}`))
      let pages = 0
      node.coordinator.before = () => {
        if (pages++ === 1) throw new KvError('no_quorum', 'too few')
        return undefined
      }
      const late = lines((await api.app.inject('/scan')).body)
      expect(late).to.have.length(101)
      expect(late.at(-1)).to.have.nested.property('error.code', 'no_quorum')
      pages = 1
      expect((await api.app.inject('/scan')).statusCode).to.equal(503)
    })

    it('refuses a limit of 0 and what it does not know', async () => {
      for (const query of ['limit=0', 'limit=x', 'values=perhaps', 'prefx=a']) {
        expect((await api.app.inject(`/scan?${query}`)).statusCode, query).to.equal(400)
      }
    })
  })

  it('counts', async () => {
    await fill(['a', 'b', '\xff'])
    expect((await api.app.inject('/count')).json()).to.deep.equal({ prefix: '', count: 3 })
    expect((await api.app.inject('/count?prefix=%FF')).json()).to.deep.equal({
      prefix: '/w==',
      prefixEncoding: 'base64',
      count: 1,
    })
  })

  it('answers a part of the count, and where to go on, when the time that was given has passed', async () => {
    await fill(Array.from({ length: 12_000 }, (_, i) => `k${i}`))
    node.coordinator.before = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    let counted = 0
    let answers = 0
    let cursor = ''
    do {
      const answer = (await api.app.inject(`/count?within=1&cursor=${encodeURIComponent(cursor)}`)).json()
      counted += answer.count
      answers++
      cursor = answer.cursor ?? ''
    } while (cursor !== '')
    expect(counted).to.equal(12_000)
    expect(answers).to.be.greaterThan(1)
    expect((await api.app.inject('/count?within=0')).statusCode).to.equal(400)
  })

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

  it('gives the layout in a form that a client can read', async () => {
    const layout: LayoutResult = (await api.app.inject('/ring/layout')).json()
    const owners = Buffer.from(layout.owners, 'base64')
    expect(owners).to.have.length(16_384 * 3 * 2)
    const ownersOf = (slot: number) =>
      [0, 1, 2].map((i) => layout.members[owners.readUInt16BE((slot * layout.width + i) * 2)]?.id)
    expect(ownersOf(0)).to.deep.equal(['n1', 'n2', 'n3'])
    expect(ownersOf(16_383)).to.deep.equal(['n4', 'n1', 'n2'])
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

  describe('paths', () => {
    it('suggests the path that was meant', async () => {
      const answer = await api.app.inject('/rign')
      expect(answer.statusCode).to.equal(404)
      expect(answer.json().error).to.include({ code: 'not_found', hint: 'did you mean /ring?' })
    })

    it('says which methods are possible', async () => {
      for (const [method, url, allow] of [
        ['POST', '/ring', 'GET, HEAD'],
        ['POST', '/kv/a', 'PUT, GET, HEAD, DELETE'],
        ['PATCH', '/kv', 'PUT, GET, HEAD, DELETE'],
        ['OPTIONS', '/kv/a', 'PUT, GET, HEAD, DELETE'],
        ['GET', '/chaos/faults', 'POST, DELETE'],
      ] as const) {
        const answer = await api.app.inject({ method, url })
        expect(answer.statusCode, `${method} ${url}`).to.equal(405)
        expect(answer.headers.allow).to.equal(allow)
      }
    })

    it('answers HEAD where it answers GET', async () => {
      expect((await api.app.inject({ method: 'HEAD', url: '/health' })).statusCode).to.equal(200)
    })
  })

  it('says why a node that is being put together does not answer', async () => {
    const starting = fakeApi(node, {}, () => {
      throw new KvError('not_ready', 'the node is starting', 'try again')
    })
    for (const url of ['/kv/a', '/ring', '/health/ready', '/count']) {
      const answer = await starting.app.inject(url)
      expect(answer.statusCode, url).to.equal(503)
      expect(answer.body).to.contain('the node is starting')
    }
    expect((await starting.app.inject('/health/live')).statusCode).to.equal(200)
    await starting.close()
  })

  it('hides what nobody foresaw, and logs it', async () => {
    node.coordinator.before = () => {
      throw new TypeError('a bug')
    }
    const answer = await api.app.inject('/kv/a')
    expect(answer.statusCode).to.equal(500)
    expect(answer.body).not.to.contain('a bug')
    expect(answer.json().error).to.include({ code: 'internal', definite: false })
  })

  it('asks to wait where it is overloaded', async () => {
    node.coordinator.before = () => {
      throw new KvError('overloaded', 'too much')
    }
    const answer = await api.app.inject('/kv/a')
    expect(answer.statusCode).to.equal(429)
    expect(answer.headers['retry-after']).to.equal('1')
  })

  describe('chaos', () => {
    const rule = { id: 'f1', kind: 'link', from: 'n1', to: 'n2', loss: 1, untilMs: 1_900_000_000_000 }

    it('adds, lists and heals faults', async () => {
      const added = await api.app.inject({ method: 'POST', url: '/chaos/faults', payload: rule })
      expect([added.statusCode, added.json()]).to.deep.equal([201, { id: 'f1' }])
      expect((await api.app.inject('/chaos')).json()).to.deep.equal({
        faults: [{ id: 'f1', kind: 'link', nodes: ['n1', 'n2'], until: '2030-03-17T17:46:40.000Z' }],
      })
      const healed = await api.app.inject({ method: 'DELETE', url: '/chaos/faults/f1' })
      expect(healed.json()).to.deep.equal({ healed: 1 })
      expect((await api.app.inject({ method: 'DELETE', url: '/chaos/faults/f1' })).statusCode).to.equal(404)
      expect((await api.app.inject({ method: 'DELETE', url: '/chaos/faults' })).json()).to.deep.equal({
        healed: 0,
      })
    })

    it('refuses what is no rule', async () => {
      for (const payload of ['', '{', '[]', 'null', '{"id":"x","kind":"meteor"}']) {
        const answer = await api.app.inject({ method: 'POST', url: '/chaos/faults', payload })
        expect(answer.statusCode, payload).to.equal(400)
      }
      expect(node.rules).to.have.length(0)
    })

    it('is refused where it is off', async () => {
      const closed = fakeApi(node, { chaos: false })
      for (const [method, url] of [
        ['GET', '/chaos'],
        ['POST', '/chaos/faults'],
        ['DELETE', '/chaos/faults'],
        ['DELETE', '/chaos/faults/f1'],
      ] as const) {
        const answer = await closed.app.inject({
          method,
          url,
          ...(method === 'POST' ? { payload: rule } : {}),
        })
        expect(answer.statusCode, `${method} ${url}`).to.equal(403)
      }
      expect(node.rules).to.have.length(0)
      await closed.close()
    })
  })

  describe('documentation', () => {
    it('describes every route, with examples', async () => {
      const document = (await api.app.inject('/openapi.json')).json()
      expect(document.openapi).to.equal('3.0.3')
      for (const [method, path] of [
        ['put', '/kv/{key}'],
        ['get', '/kv/{key}'],
        ['head', '/kv/{key}'],
        ['delete', '/kv/{key}'],
        ['post', '/kv'],
        ['get', '/scan'],
        ['get', '/count'],
        ['get', '/ring'],
        ['get', '/ring/locate'],
        ['get', '/ring/layout'],
        ['get', '/nodes'],
        ['get', '/hints'],
        ['get', '/health'],
        ['get', '/health/live'],
        ['get', '/health/ready'],
        ['get', '/metrics'],
        ['get', '/chaos'],
        ['post', '/chaos/faults'],
        ['delete', '/chaos/faults'],
        ['delete', '/chaos/faults/{id}'],
        ['get', '/openapi.json'],
      ] as const) {
        const operation = document.paths[path]?.[method]
        expect(operation, `${method} ${path}`).to.include.keys('summary', 'description', 'responses')
        expect(JSON.stringify(operation.responses), `${method} ${path}`).to.contain('"example')
      }
    })

    it('serves Swagger UI', async () => {
      expect((await api.app.inject('/docs')).body).to.contain('swagger-ui')
      expect((await api.app.inject('/docs/static/swagger-ui.css')).statusCode).to.equal(200)
      expect((await api.app.inject('/docs/json')).json().info.version).to.equal('1.2.3')
      expect((await api.app.inject('/docs/static/none')).statusCode).to.equal(404)
    })
  })
})
