import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { KvError } from '../../../shared/errors.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('answers over HTTP to what cannot be served', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

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
})
