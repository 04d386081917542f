import { once } from 'node:events'
import net from 'node:net'
import { expect } from 'chai'
import { BrowserGuard, loopbackNames } from '../../../server/api/browser-guard.ts'
import { API_TIMEOUTS } from '../../../server/api/context.ts'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'
import { closeApi, request, sendRaw } from './raw-http.ts'

const HASTY = { ...API_TIMEOUTS, headersMs: 100, requestMs: 250, silenceMs: 400, checkMs: 50 }

describe('the limits of the HTTP API', () => {
  let node: FakeNode
  let api: HttpApi
  let port: number
  const open = async (settings: Parameters<typeof fakeApi>[1]): Promise<void> => {
    node = new FakeNode()
    api = fakeApi(node, settings)
    port = await api.listen('127.0.0.1', 0)
  }
  afterEach(() => closeApi(api))

  it('take a value of just the limit, and not one byte more', async () => {
    await open({ maxValueBytes: 1000 })
    expect((await request(port, 'PUT', '/kv/a', { body: Buffer.alloc(1000) })).status).to.equal(200)
    const answer = await request(port, 'PUT', '/kv/b', { body: Buffer.alloc(1001) })
    expect(answer.status).to.equal(413)
    expect(JSON.parse(answer.body.toString()).error.code).to.equal('too_large')
    expect(node.coordinator.values.has('b')).to.equal(false)
  })

  it('refuse a body of 4 GB before it is sent', async () => {
    await open({ maxValueBytes: 1000 })
    const head = `PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${4 * 2 ** 30}\r\n\r\nbegin`
    const [answer] = await sendRaw(port, head, false)
    expect(answer?.status).to.equal(413)
  })

  it('refuse a chunked body where it goes over the limit', async () => {
    await open({ maxValueBytes: 1000 })
    const chunk = `${(800).toString(16)}\r\n${'x'.repeat(800)}\r\n`
    const head = 'PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'
    const [answer] = await sendRaw(port, head + chunk + chunk, false)
    expect(answer?.status).to.equal(413)
    expect(node.coordinator.values.size).to.equal(0)
  })

  it('refuse headers over the limit, and what is no HTTP', async () => {
    await open({ maxHeaderBytes: 8192 })
    const huge = `GET /kv/a HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(10_000)}\r\n\r\n`
    expect((await sendRaw(port, huge, false))[0]?.status).to.equal(431)
    const [answer] = await sendRaw(port, 'hello\r\n\r\n', false)
    expect(answer?.status).to.equal(400)
    expect(JSON.parse(answer?.body.toString() ?? '').error.code).to.equal('usage')
  })

  it('refuse a smuggled second length', async () => {
    await open({})
    const both =
      'PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'
    expect((await sendRaw(port, both, false))[0]?.status).to.equal(400)
  })

  it('close a connection whose headers do not arrive', async () => {
    await open({ timeouts: HASTY })
    const [answer] = await sendRaw(port, 'GET /kv/a HTTP/1.1\r\nHost: loc', false)
    expect(answer?.status).to.equal(408)
  })

  it('close a connection whose body does not arrive', async () => {
    await open({ timeouts: HASTY })
    await sendRaw(port, 'PUT /kv/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf', false)
    expect(node.coordinator.values.size).to.equal(0)
  })

  it('close a connection that says nothing', async () => {
    await open({ timeouts: HASTY })
    const socket = net.connect(port, '127.0.0.1')
    socket.resume()
    await once(socket, 'close')
  })

  it('let a batch take longer than a request', async () => {
    await open({ timeouts: HASTY })
    const socket = net.connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString()
    })
    socket.write(
      'POST /kv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    for (let i = 0; i < 10; i++) {
      const line = `{"op":"put","key":"k${i}","value":""}\n`
      socket.write(`${line.length.toString(16)}\r\n${line}\r\n`)
      await new Promise((resolve) => setTimeout(resolve, 60))
    }
    socket.write('0\r\n\r\n')
    await once(socket, 'close')
    expect(received.match(/"status":200/g)).to.have.length(10)
  })

  it('close a batch that falls silent', async () => {
    await open({ timeouts: HASTY })
    const socket = net.connect(port, '127.0.0.1')
    socket.resume()
    socket.write('POST /kv HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    await once(socket, 'close')
  })

  it('read no more from a client that does not read its answers', async () => {
    await open({ timeouts: HASTY, maxValueBytes: 2 * 1024 * 1024 })
    await node.coordinator.put('a' as never, Buffer.alloc(1024 * 1024), {})
    let reads = 0
    node.coordinator.before = () => {
      reads++
      return undefined
    }
    const socket = net.connect(port, '127.0.0.1')
    socket.pause()
    socket.write('GET /kv/a HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000))
    await once(api.app.server, 'connection')
    const [connection] = await connectionsOf(api)
    await once(connection as net.Socket, 'close')
    socket.destroy()
    expect(reads).to.be.within(1, 17)
  })

  it('close connections over their number', async () => {
    await open({ maxConnections: 2 })
    const kept = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')]
    await Promise.all(kept.map((socket) => once(socket, 'connect')))
    const third = net.connect(port, '127.0.0.1')
    third.on('error', () => undefined)
    third.resume()
    await once(third, 'close')
    for (const socket of kept) socket.destroy()
  })

  it('name the port that is taken', async () => {
    await open({})
    const other = fakeApi(node)
    const error = await other.listen('127.0.0.1', port).catch((thrown: Error) => thrown)
    expect(error).to.include({ code: 'conflict' })
    expect((error as Error).message).to.contain(String(port))
    await other.close()
  })
})

function connectionsOf(api: HttpApi): Promise<net.Socket[]> {
  const { promise, resolve } = resolvers<net.Socket[]>()
  api.app.server.once('request', (request) => resolve([request.socket]))
  return promise
}

function resolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('the guard against browsers', () => {
  const guard = new BrowserGuard(loopbackNames(['kv.example']))
  const refused = (method: string, headers: Record<string, string>): boolean =>
    guard.refusal(method, headers) !== undefined

  it('answers for the names of this machine only', () => {
    for (const host of [
      'localhost',
      'LOCALHOST:7071',
      '127.0.0.1:80',
      '127.1.2.3',
      '[::1]:7071',
      'kv.example:1',
    ]) {
      expect(refused('GET', { host }), host).to.equal(false)
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '']) {
      expect(refused('GET', { host }), host).to.equal(true)
    }
  })

  it('answers for any name where it need not care', () => {
    expect(new BrowserGuard(undefined).refusal('GET', { host: 'anything' })).to.equal(undefined)
  })

  it('lets pages of other origins write nothing', () => {
    const host = 'localhost:7071'
    for (const method of ['PUT', 'POST', 'DELETE']) {
      expect(refused(method, { host, origin: 'http://evil.example' })).to.equal(true)
      expect(refused(method, { host, origin: 'null' })).to.equal(true)
      expect(refused(method, { host, origin: 'http://localhost:9999' })).to.equal(true)
      expect(refused(method, { host, 'sec-fetch-site': 'cross-site' })).to.equal(true)
      expect(refused(method, { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' })).to.equal(
        false,
      )
      expect(refused(method, { host })).to.equal(false)
    }
  })
})
