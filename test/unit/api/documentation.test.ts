import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('the documentation of the HTTP API', () => {
  let api: HttpApi
  beforeEach(() => {
    api = fakeApi(new FakeNode())
  })
  afterEach(() => api.close())

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
      ['post', '/ring/policy'],
      ['post', '/ring/remove'],
      ['get', '/nodes'],
      ['get', '/hints'],
      ['post', '/hints/replay'],
      ['get', '/keys/explain'],
      ['post', '/keys/repair'],
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
