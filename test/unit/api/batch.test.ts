import { once } from 'node:events'
import net from 'node:net'
import { expect } from 'chai'
import type { HttpApi } from '../../../server/api/http-api.ts'
import { LineSplitter } from '../../../server/api/line-splitter.ts'
import type { BatchAnswer } from '../../../shared/api.ts'
import { FakeNode, fakeApi } from './fake-node.ts'
import { closeApi, request } from './raw-http.ts'

describe('POST /kv', () => {
  let node: FakeNode
  let api: HttpApi
  let port: number
  beforeEach(async () => {
    node = new FakeNode()
    api = fakeApi(node, { maxValueBytes: 1000 })
    port = await api.listen('127.0.0.1', 0)
  })
  afterEach(() => closeApi(api))

  const send = async (text: string | Buffer, query = ''): Promise<BatchAnswer[]> => {
    const answer = await api.app.inject({ method: 'POST', url: `/kv${query}`, payload: text })
    expect(answer.statusCode).to.equal(200)
    expect(answer.headers['content-type']).to.equal('application/x-ndjson')
    return answer.body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  const puts = (count: number): string =>
    Array.from({ length: count }, (_, i) => `{"op":"put","key":"k${i}","value":"${i}"}\n`).join('')

  it('answers each line in the order of the input', async () => {
    const answers = await send(puts(1000))
    expect(answers.map(({ line }) => line)).to.deep.equal(Array.from({ length: 1000 }, (_, i) => i + 1))
    expect(answers.every(({ status }) => status === 200)).to.equal(true)
    expect(node.coordinator.values.size).to.equal(1000)
  })

  it('says no more of a write than that it succeeded where it is asked to be brief', async () => {
    const lines =
      '{"op":"put","key":"a","value":"1"}\n{"op":"get","key":"a"}\n{"op":"get","key":"b"}\n{"op":"del","key":"a"}\n'
    const [put, found, missing, del] = await send(lines, '?brief=true')
    expect(put).to.deep.equal({ line: 1, status: 200 })
    expect(found?.result).to.include({ value: '1' })
    expect(missing?.error?.code).to.equal('not_found')
    expect(del).to.deep.equal({ line: 4, status: 200 })
  })

  it('answers in order whatever is done first', async () => {
    const waiting = new Map<string, () => void>()
    node.coordinator.before = (key) => new Promise((resolve) => waiting.set(key, resolve))
    const answers = send(puts(3))
    while (waiting.size < 3) await new Promise((resolve) => setImmediate(resolve))
    for (const key of ['k2', 'k1', 'k0']) waiting.get(key)?.()
    expect((await answers).map(({ result }) => result?.key)).to.deep.equal(['k0', 'k1', 'k2'])
  })

  it('goes on after a full window whose first line is done last', async () => {
    const waiting = new Map<string, () => void>()
    node.coordinator.before = (key) =>
      waiting.size < 256 ? new Promise((resolve) => waiting.set(key, resolve)) : undefined
    const answers = send(puts(300))
    while (waiting.size < 256) await new Promise((resolve) => setImmediate(resolve))
    for (const key of [...waiting.keys()].reverse()) waiting.get(key)?.()
    expect(await answers).to.have.length(300)
  })

  it('goes on after more refused lines than a window holds', async () => {
    const answers = await send('nonsense\n'.repeat(1000))
    expect(answers.map(({ status }) => status)).to.deep.equal(new Array(1000).fill(400))
  })

  it('runs the operations of one key in order', async () => {
    let first = true
    node.coordinator.before = () => {
      const wait = first ? new Promise<void>((resolve) => setTimeout(resolve, 20)) : undefined
      first = false
      return wait
    }
    const lines = ['put', 'get', 'del', 'get'].map((op) =>
      JSON.stringify({ op, key: 'a', ...(op === 'put' ? { value: '1' } : {}) }),
    )
    const answers = await send(lines.join('\n'))
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200, 404])
    expect(answers[1]?.result).to.include({ value: '1', encoding: 'utf8' })
    expect(answers[2]?.result).to.include({ existed: true })
  })

  const malformed: [string, string, RegExp][] = [
    ['no JSON', '{"op":', /not JSON/],
    ['no object', '[1]', /not an object/],
    ['null', 'null', /not an object/],
    ['no op', '{"key":"a"}', /op must be/],
    ['an unknown op', '{"op":"cas","key":"a"}', /op must be/],
    ['no key', '{"op":"get"}', /key is missing/],
    ['a key that is a number', '{"op":"get","key":1}', /key must be a string/],
    ['an empty key', '{"op":"get","key":""}', /the key is empty/],
    ['a put without a value', '{"op":"put","key":"a"}', /value is missing/],
    ['a put of a number', '{"op":"put","key":"a","value":1}', /value must be a string/],
    ['broken base64', '{"op":"put","key":"a","value":"?","encoding":"base64"}', /not base64/],
    ['an unknown encoding', '{"op":"put","key":"a","value":"","encoding":"hex"}', /unknown encoding/],
    ['an unknown field', '{"op":"put","key":"a","value":"","tll":5}', /no field "tll"/],
    ['a ttl of 0', '{"op":"put","key":"a","value":"","ttl":0}', /ttl must be/],
    ['a get with a value', '{"op":"get","key":"a","value":""}', /takes neither/],
    ['a retry of nothing', '{"op":"put","key":"a","value":"","attempt":1}', /names no request/],
    ['a made-up context', '{"op":"put","key":"a","value":"","context":"x"}', /context/],
    [
      'a line that is too long',
      `{"op":"put","key":"a","value":"${'x'.repeat(200_000)}"}`,
      /the line has over/,
    ],
  ]
  for (const [name, line, message] of malformed) {
    it(`refuses ${name} for that line only`, async () => {
      const answers = await send(`${puts(1)}${line}\n${puts(1)}`)
      expect(answers.map(({ line }) => line)).to.deep.equal([1, 2, 3])
      expect(answers[0]?.status).to.equal(200)
      expect(answers[1]?.status).to.be.oneOf([400, 413])
      expect(answers[1]?.error?.message).to.match(message)
      expect(answers[2]?.status).to.equal(200)
      expect(node.coordinator.puts).to.have.length(2)
    })
  }

  it('counts blank lines, and needs no newline at the end', async () => {
    const answers = await send('\n\r\n{"op":"put","key":"a","value":"1"}')
    expect(answers.map(({ line }) => line)).to.deep.equal([3])
  })

  it('answers an empty batch with nothing', async () => {
    expect(await send('')).to.deep.equal([])
  })

  it('takes keys and values of any bytes', async () => {
    const line = {
      op: 'put',
      key: '/w==',
      keyEncoding: 'base64',
      value: '/g==',
      encoding: 'base64',
      ttl: 1000,
    }
    const [answer] = await send(JSON.stringify(line))
    expect(answer?.result).to.include({ key: '/w==', keyEncoding: 'base64' })
    expect(node.coordinator.puts[0]).to.deep.include({ key: '\xff', value: Buffer.of(0xfe) })
    expect(node.coordinator.puts[0]?.options.ttlMs).to.equal(1000)
  })

  it('asks for each line what the query asks for', async () => {
    await send(puts(1), '?w=3&strict=true')
    expect(node.coordinator.puts[0]?.options).to.include({ w: 3, strict: true })
    expect((await api.app.inject({ method: 'POST', url: '/kv?w=0', payload: puts(1) })).statusCode).to.equal(
      400,
    )
    expect(node.coordinator.puts).to.have.length(1)
  })

  it('answers while the input still arrives, and reads no more than its window holds', async () => {
    const release: (() => void)[] = []
    node.coordinator.before = () => new Promise((resolve) => release.push(resolve))
    const socket = net.connect(port, '127.0.0.1')
    socket.write('POST /kv HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    const text = puts(2000)
    socket.write(`${text.length.toString(16)}\r\n${text}\r\n`)
    while (release.length < 256) await new Promise((resolve) => setTimeout(resolve, 5))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(release).to.have.length(256)
    release[0]?.()
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString()
    })
    while (!received.includes('"line":1,')) await new Promise((resolve) => setTimeout(resolve, 5))
    socket.destroy()
  })

  it('begins nothing more when the client goes away', async () => {
    let begun = 0
    const release: (() => void)[] = []
    node.coordinator.before = () => {
      begun++
      return new Promise((resolve) => release.push(resolve))
    }
    const socket = net.connect(port, '127.0.0.1')
    const text = puts(2000)
    socket.write(`POST /kv HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
    while (begun < 256) await new Promise((resolve) => setTimeout(resolve, 5))
    const closed = once(api.app.server, 'connection').catch(() => undefined)
    socket.destroy()
    await request(port, 'GET', '/health')
    await closed
    for (const done of release.splice(0)) done()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(begun).to.equal(256)
  })

  it('ends without its last chunk when the node stops, after the lines under way', async () => {
    const release: (() => void)[] = []
    node.coordinator.before = () => new Promise((resolve) => release.push(resolve))
    const socket = net.connect(port, '127.0.0.1')
    const text = puts(2000)
    socket.write(`POST /kv HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk.toString()
    })
    while (release.length < 256) await new Promise((resolve) => setTimeout(resolve, 5))
    const ended = once(socket, 'close')
    const closing = api.close()
    for (const done of release.splice(0)) done()
    await Promise.all([ended, closing])
    expect(received.match(/"line":/g)).to.have.length(256)
    expect(received).not.to.match(/\r\n0\r\n\r\n$/)
  })
})

describe('the line splitter', () => {
  it('gives the same lines however the bytes are cut', () => {
    const text = 'one\n\ntwo\r\nthrée\nlast'
    const bytes = Buffer.from(text)
    for (let size = 1; size <= bytes.length; size++) {
      const splitter = new LineSplitter(100)
      const lines: (string | null | undefined)[] = []
      for (let at = 0; at < bytes.length; at += size)
        lines.push(...splitter.push(bytes.subarray(at, at + size)))
      lines.push(splitter.end())
      expect(lines).to.deep.equal(['one', '', 'two\r', 'thrée', 'last'])
    }
  })

  it('gives a line over the limit as null, once, in whatever pieces it comes', () => {
    for (const size of [1, 3, 100]) {
      const splitter = new LineSplitter(4)
      const bytes = Buffer.from('1234\n12345\n123456789\nok\n')
      const lines: (string | null)[] = []
      for (let at = 0; at < bytes.length; at += size)
        lines.push(...splitter.push(bytes.subarray(at, at + size)))
      expect(lines).to.deep.equal(['1234', null, null, 'ok'])
      expect(splitter.end()).to.equal(undefined)
    }
  })
})
