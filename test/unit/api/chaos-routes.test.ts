import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('chaos over HTTP', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

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
