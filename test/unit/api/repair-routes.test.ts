import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('repair and scrub over HTTP', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

  it('tell how they are, and take orders with POST only', async () => {
    expect((await api.app.inject('/repair')).json()).to.include({ node: 'n1', state: 'idle' })
    for (const path of ['/repair/start', '/repair/pause', '/repair/resume', '/scrub/start']) {
      expect((await api.app.inject(path)).statusCode, path).to.equal(405)
      expect((await api.app.inject({ method: 'POST', url: path })).statusCode, path).to.equal(200)
    }
    expect(node.repair.orders).to.deep.equal(['compare', 'pause', 'resume', 'scrub'])
    expect((await api.app.inject('/repair')).json()).to.include({ state: 'paused' })
    expect((await api.app.inject('/scrub')).json()).to.include({ state: 'running', slots: 16384 })
    expect((await api.app.inject('/tombstones')).json()).to.include({
      node: 'n1',
      waitingFor: 'n4 is out of reach',
    })
  })
})
