import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { KvError } from '../../../shared/errors.ts'
import { FakeNode, fakeApi } from './fake-node.ts'

describe('scans and counts over HTTP', () => {
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
})
