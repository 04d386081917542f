import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('looking at a key over HTTP', () => {
  let node: FakeNode
  let api: HttpApi
  beforeEach(() => {
    node = new FakeNode()
    api = fakeApi(node)
  })
  afterEach(() => api.close())

  it('takes any bytes for the key, and a time', async () => {
    const explained = await api.app.inject('/keys/explain?key=a%2F%00%FF&timeout=2s')
    expect(explained.json()).to.include({ slot: 1, same: true })
    const repaired = await api.app.inject({ method: 'POST', url: '/keys/repair?key=b' })
    expect(repaired.json()).to.deep.include({ mended: ['n2'], complete: true })
    expect(node.keys.asked).to.deep.equal([
      { key: 'a/\0\xff', timeoutMs: 2_000 },
      { key: 'b', timeoutMs: undefined },
    ])
  })

  it('refuses what it does not know, and a repair by GET, and asks nobody', async () => {
    const status = async (url: string) => (await api.app.inject(url)).statusCode
    expect(await status('/keys/explain')).to.equal(400)
    expect(await status('/keys/explain?key=a&r=2')).to.equal(400)
    expect(await status('/keys/explain?key=a&timeout=2h')).to.equal(400)
    expect(await status('/keys/repair?key=a')).to.equal(405)
    expect(await status(`/keys/explain?key=${'k'.repeat(1025)}`)).to.equal(413)
    expect(node.keys.asked).to.deep.equal([])
  })
})
