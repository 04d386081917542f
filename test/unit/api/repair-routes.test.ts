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

  it('compare one slot, where there is such a slot, and do nothing where there is none', async () => {
    const post = (url: string) => api.app.inject({ method: 'POST', url })
    for (const slot of [0, 16_383])
      expect((await post(`/repair/start?slot=${slot}`)).statusCode).to.equal(200)
    for (const slot of ['16384', '-1', '1.5', 'x', '', '99999999999999999999']) {
      const answer = await post(`/repair/start?slot=${slot}`)
      expect(answer.statusCode, slot).to.equal(400)
      expect(answer.json().error).to.include({ code: 'usage', message: `slot=${slot} is out of range` })
      expect(answer.json().error.hint).to.equal('slot is a whole number from 0 to 16383')
    }
    for (const path of ['/repair/pause?slot=1', '/repair/resume?all', '/scrub/start?slot=1'])
      expect((await post(path)).json().error.code, path).to.equal('usage')
    expect(node.repair.orders).to.deep.equal(['compare 0', 'compare 16383'])
  })
})
