import { expect } from 'chai'
import fc from 'fast-check'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { encodeContextToken } from '../../../server/causality/context-token.ts'
import { type Key, keyFromBytes, keyToPath } from '../../../shared/key.ts'
import { FakeNode, fakeApi, SECRET } from './fake-node.ts'
import { closeApi, type RawAnswer, request } from './raw-http.ts'

const code = (answer: RawAnswer): string => JSON.parse(answer.body.toString()).error.code

describe('the HTTP API of keys', () => {
  let node: FakeNode
  let api: HttpApi
  let port: number
  beforeEach(async () => {
    node = new FakeNode()
    api = fakeApi(node)
    port = await api.listen('127.0.0.1', 0)
  })
  afterEach(() => closeApi(api))

  const put = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    request(port, 'PUT', path, { body: Buffer.from(body), headers })
  const get = (path: string, headers: Record<string, string> = {}) => request(port, 'GET', path, { headers })

  const paths: [string, string][] = [
    ['/kv/a', 'a'],
    ['/kv/a/b', 'a/b'],
    ['/kv/a%2Fb', 'a/b'],
    ['/kv/..', '..'],
    ['/kv/%2E%2E', '..'],
    ['/kv/./x', './x'],
    ['/kv//', '/'],
    ['/kv/a//b/', 'a//b/'],
    ['/kv/%00', '\0'],
    ['/kv/%FF', '\xff'],
    ['/kv/%ff%FE', '\xff\xfe'],
    ['/kv/%C3%A9', '\xc3\xa9'],
    ['/kv/a+b', 'a+b'],
    ['/kv/a%3Fb', 'a?b'],
    ['/kv/a;b', 'a;b'],
    ['/kv/key', 'key'],
    ['/kv?key=..', '..'],
    ['/kv?key=a%20b+c&timeout=1s', 'a b c'],
    ['http://localhost/kv/a', 'a'],
    [`/kv/${'x'.repeat(1024)}`, 'x'.repeat(1024)],
    [`/kv/${'%FF'.repeat(1024)}`, '\xff'.repeat(1024)],
  ]
  for (const [path, key] of paths) {
    it(`takes ${JSON.stringify(path.slice(0, 40))} as the key ${JSON.stringify(key.slice(0, 20))}`, async () => {
      expect((await put(path, 'value')).status).to.equal(200)
      expect([...node.coordinator.values.keys()]).to.deep.equal([key])
      expect((await get(path)).body.toString()).to.equal('value')
    })
  }

  it('takes every key and every value, byte for byte', async () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 30 })
    await fc.assert(
      fc.asyncProperty(bytes, fc.uint8Array({ maxLength: 300 }), async (keyBytes, value) => {
        const key = keyFromBytes(keyBytes)
        await put(`/kv/${keyToPath(key)}`, Buffer.from(value))
        expect(node.coordinator.puts.at(-1)?.key).to.equal(key)
        expect([...(await get(`/kv/${keyToPath(key)}`)).body]).to.deep.equal([...value])
      }),
      { numRuns: 40 },
    )
  })

  const refused: [string, string, number, string][] = [
    ['an empty key', '/kv/', 400, 'usage'],
    ['no key', '/kv', 400, 'usage'],
    ['an empty key with a query', '/kv/?w=1', 400, 'usage'],
    ['a broken escape', '/kv/%zz', 400, 'usage'],
    ['half an escape', '/kv/a%4', 400, 'usage'],
    ['a key of 1,025 bytes', `/kv/${'x'.repeat(1025)}`, 413, 'too_large'],
    ['w of 0', '/kv/a?w=0', 400, 'usage'],
    ['w over n', '/kv/a?w=4', 400, 'usage'],
    ['w that is no number', '/kv/a?w=two', 400, 'usage'],
    ['a negative w', '/kv/a?w=-1', 400, 'usage'],
    ['a fractional w', '/kv/a?w=1.5', 400, 'usage'],
    ['w twice', '/kv/a?w=1&w=2', 400, 'usage'],
    ['r in a write', '/kv/a?r=1', 400, 'usage'],
    ['an unknown parameter', '/kv/a?W=2', 400, 'usage'],
    ['a ttl of 0', '/kv/a?ttl=0', 400, 'usage'],
    ['a ttl that is no duration', '/kv/a?ttl=soon', 400, 'usage'],
    ['a timeout over a minute', '/kv/a?timeout=61s', 400, 'usage'],
    ['a switch that is neither', '/kv/a?strict=maybe', 400, 'usage'],
  ]
  for (const [name, path, status, wanted] of refused) {
    it(`refuses ${name}, and changes nothing`, async () => {
      const answer = await put(path, 'value')
      expect(answer.status).to.equal(status)
      expect(code(answer)).to.equal(wanted)
      expect(node.coordinator.values.size).to.equal(0)
    })
  }

  for (const header of ['If-Match', 'If-None-Match']) {
    it(`refuses a write with ${header} rather than ignore it`, async () => {
      const answer = await put('/kv/a', 'value', { [header]: '*' })
      expect(answer.status).to.equal(400)
      expect(answer.body.toString()).to.contain('conditional writes are not available')
      expect(node.coordinator.values.size).to.equal(0)
    })
  }

  it('refuses a compressed body, a made-up context, a retry of nothing', async () => {
    const refusals = [
      { 'Content-Encoding': 'gzip' },
      { 'X-KV-Context': 'abc' },
      { 'X-KV-Attempt': '1' },
      { 'X-KV-Attempt': '-1' },
    ]
    for (const headers of refusals) expect((await put('/kv/a', 'v', headers)).status).to.equal(400)
    expect(node.coordinator.values.size).to.equal(0)
  })

  it('hands over what a write is asked for', async () => {
    const context = { vector: new Map([['n1', 5]]), seen: [] }
    await put('/kv/a?w=3&ttl=10m&strict=true&timeout=2s', 'v', {
      'X-KV-Context': encodeContextToken('a' as Key, context, SECRET),
      'X-KV-Request-Id': 'request-1',
      'X-KV-Attempt': '3',
    })
    const options = node.coordinator.puts[0]?.options
    expect(options).to.deep.include({ w: 3, ttlMs: 600_000, strict: true, timeoutMs: 2000, context })
    expect(options).to.include({ request: 'request-1', attempt: 3 })
  })

  it('answers a write as the contract says', async () => {
    const answer = await put('/kv/a', 'v')
    expect(JSON.parse(answer.body.toString())).to.deep.equal({
      key: 'a',
      version: 'fake.1',
      acks: 2,
      w: 2,
      sloppy: false,
      coordinator: 'n2',
    })
  })

  it('keeps an empty value, and a body without a type or with any', async () => {
    expect((await request(port, 'PUT', '/kv/none')).status).to.equal(200)
    expect((await get('/kv/none')).body).to.have.length(0)
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
    ]) {
      await put('/kv/a', '{broken', { 'Content-Type': type })
      expect((await get('/kv/a')).body.toString()).to.equal('{broken')
    }
  })

  it('answers a read with bytes, and headers that say what was read', async () => {
    await put('/kv/a', 'v')
    const { status, headers, body } = await get('/kv/a?r=1')
    expect(status).to.equal(200)
    expect(body.toString()).to.equal('v')
    expect(headers.get('content-type')).to.equal('application/octet-stream')
    expect(headers.get('x-content-type-options')).to.equal('nosniff')
    expect(headers.get('etag')).to.equal('"fake.1"')
    expect(headers.get('x-kv-replies')).to.equal('2')
    expect(headers.get('x-kv-sloppy')).to.equal('false')
    expect(headers.get('x-kv-coordinator')).to.equal('n1')
    expect(headers.get('x-kv-context')).to.match(/^[\w-]+$/)
  })

  it('hands large values over as they are', async () => {
    const value = Buffer.alloc(300_000, 0xfe)
    await put('/kv/a', value)
    expect((await get('/kv/a')).body.equals(value)).to.equal(true)
  })

  it('answers HEAD without the value', async () => {
    await put('/kv/a', 'value')
    const answer = await request(port, 'HEAD', '/kv/a')
    expect(answer.headers.get('content-length')).to.equal('5')
    expect(answer.body).to.have.length(0)
    const missing = await request(port, 'HEAD', '/kv/b')
    expect(missing.status).to.equal(404)
    expect(missing.headers.get('x-kv-replies')).to.equal('2')
  })

  it('answers an object where JSON is wanted', async () => {
    await put('/kv/%FF', Buffer.of(0xfe))
    const answer = await get('/kv/%FF', { Accept: 'application/json' })
    const object = JSON.parse(answer.body.toString())
    expect(object).to.include({ key: '/w==', keyEncoding: 'base64', value: '/g==', encoding: 'base64' })
    expect(object).to.include({ version: 'fake.1', replies: 2, r: 2, sloppy: false })
    expect(object.siblings).to.equal(undefined)
  })

  it('answers 300 with all siblings where they are wanted, else the winner', async () => {
    const value = (text: string, version: string, expiresAtMs = 0) => ({
      value: Buffer.from(text),
      version,
      stampMs: 5,
      expiresAtMs,
    })
    const times = { time: '1970-01-01T00:00:00.005Z' }
    node.coordinator.values.set('a', [value('new', 'n2.x.0:2'), value('old', 'n.1.x.0:1', 1_500)])
    const several = await get('/kv/a?siblings=true')
    expect(several.status).to.equal(300)
    expect(JSON.parse(several.body.toString()).siblings).to.deep.equal([
      { value: 'new', encoding: 'utf8', version: 'n2.x.0:2', node: 'n2', ...times },
      { value: 'old', encoding: 'utf8', version: 'n.1.x.0:1', node: 'n.1', ...times, ttlMs: 500 },
    ])
    expect((await get('/kv/a')).body.toString()).to.equal('new')
    node.coordinator.values.set('a', [value('new', 'v2')])
    expect((await get('/kv/a?siblings=true')).status).to.equal(200)
  })

  it('answers 404 for what is not there, with the context to write it', async () => {
    const answer = await get('/kv/missing')
    expect(answer.status).to.equal(404)
    expect(code(answer)).to.equal('not_found')
    expect(answer.headers.has('x-kv-context')).to.equal(true)
  })

  it('answers 304 where the reader has that version', async () => {
    await put('/kv/a', 'v')
    expect((await get('/kv/a', { 'If-None-Match': '"x", "fake.1"' })).status).to.equal(304)
    expect((await get('/kv/a', { 'If-None-Match': '"fake.2"' })).status).to.equal(200)
  })

  it('says why it cannot take a URL that is not ASCII', async () => {
    const answer = await get('/kv/\xc3\xa9')
    expect(answer.status).to.equal(400)
    expect(answer.body.toString()).to.contain('percent-encode')
  })

  it('refuses a linearizable read rather than answer another', async () => {
    expect((await get('/kv/a?linearizable=true')).status).to.equal(400)
    expect((await get('/kv/a?r=0')).status).to.equal(400)
    expect((await get('/kv/a?r=4')).status).to.equal(400)
    expect((await get('/kv/a?ttl=1s')).status).to.equal(400)
  })

  it('deletes, and says whether there was a value', async () => {
    await put('/kv/a', 'v')
    const first = await request(port, 'DELETE', '/kv/a')
    expect(JSON.parse(first.body.toString())).to.include({ key: 'a', existed: true })
    const second = await request(port, 'DELETE', '/kv/a')
    expect(JSON.parse(second.body.toString())).to.include({ existed: false })
    expect((await request(port, 'DELETE', '/kv/a?ttl=1s')).status).to.equal(400)
  })
})
