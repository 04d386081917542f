import { expect } from 'chai'
import type { KvClient } from '../../../shared/client/client.ts'
import { decodeBytes } from '../../../shared/encoding.ts'
import { KvError } from '../../../shared/errors.ts'
import { type Key, keyFromBytes, keyFromText } from '../../../shared/key.ts'
import { clientOf } from './client-of.ts'
import { FakeNode } from './fake-ring.ts'

describe('KvClient', () => {
  let nodes: FakeNode[]
  let clients: KvClient[]

  beforeEach(async () => {
    nodes = await Promise.all([new FakeNode().listen(), new FakeNode().listen(), new FakeNode().listen()])
    for (const node of nodes) node.members = nodes
    clients = []
  })

  afterEach(async () => {
    for (const client of clients) client.close()
    await Promise.all(nodes.map((node) => node.close()))
  })

  function connect(endpoints = nodes.map((node) => node.url), timeoutMs = 2_000): KvClient {
    const client = clientOf(endpoints, timeoutMs)
    clients.push(client)
    return client
  }

  async function failure(action: Promise<unknown>): Promise<KvError> {
    const thrown = await action.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(thrown).to.be.instanceOf(KvError)
    return thrown as KvError
  }

  it('carries every byte in keys and values, and keys that URLs would rewrite', async () => {
    const client = connect()
    const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const keys = [
      every,
      ...[...every].map((byte) => Buffer.of(byte)),
      ...['.', '..', 'a/../b', '%2e%2e', 'a//b', '?q#f', 'ä/ö', '{x}'].map((text) => Buffer.from(text)),
    ]
    for (const bytes of keys) await client.set(keyFromBytes(bytes), Buffer.concat([bytes, every]))
    const [node] = nodes as [FakeNode]
    expect(node.values.size).to.equal(new Set(keys.map((key) => key.toString('latin1'))).size)
    for (const bytes of keys) {
      const { value, encoding } = await client.get(keyFromBytes(bytes))
      expect(decodeBytes(value, encoding).equals(Buffer.concat([bytes, every]))).to.equal(true)
    }
  }).timeout(20_000)

  it('writes an empty value, and tells a missing key from it', async () => {
    const client = connect()
    await client.set(keyFromText('empty'), Buffer.alloc(0))
    expect(await client.get(keyFromText('empty'))).to.include({ value: '', encoding: 'utf8' })
    expect(await client.exists(keyFromText('empty'))).to.equal(true)
    expect(await client.exists(keyFromText('none'))).to.equal(false)
    expect((await failure(client.get(keyFromText('none')))).code).to.equal('not_found')
  })

  it('goes on to the next endpoint where one refuses connections, and stays there', async () => {
    const client = connect(['http://127.0.0.1:1', (nodes[1] as FakeNode).url])
    await client.set(keyFromText('a'), Buffer.from('1'))
    await client.set(keyFromText('b'), Buffer.from('2'))
    expect((nodes[1] as FakeNode).writes.map((write) => write.attempt)).to.deep.equal([0, 0])
  })

  it('says unreachable, exit 11, where no endpoint answers', async () => {
    const error = await failure(
      connect(['http://127.0.0.1:1', 'http://127.0.0.1:2']).set(keyFromText('a'), Buffer.from('1')),
    )
    expect([error.code, error.kind.exit]).to.deep.equal(['unreachable', 11])
  })

  it('sends a lost write again under the same request id, marked as a retry, so that it is applied once', async () => {
    const [first, second] = nodes as [FakeNode, FakeNode]
    first.mischief = () => ({ kind: 'drop', applied: true })
    await connect().set(keyFromText('a'), Buffer.from('1'))
    expect(first.writes).to.have.length(1)
    expect(second.writes).to.have.length(0)
    const headers = [first, second].map((node) => node.requests[0]?.headers)
    expect(headers.map((one) => one?.['x-kv-request-id'])).to.deep.equal(['r1', 'r1'])
    expect(headers.map((one) => one?.['x-kv-attempt'])).to.deep.equal([undefined, '1'])
  })

  it('leaves a lost write unknown although all others refuse it', async () => {
    const [first, second, third] = nodes as [FakeNode, FakeNode, FakeNode]
    first.mischief = () => ({ kind: 'drop', applied: true })
    second.mischief = third.mischief = () => ({ kind: 'error', error: new KvError('no_quorum', 'too few') })
    const error = await failure(connect().set(keyFromText('a'), Buffer.from('1')))
    expect([error.code, error.kind.exit]).to.deep.equal(['outcome_unknown', 6])
  })

  it('leaves a write unknown that is never answered in time', async () => {
    for (const node of nodes) node.mischief = () => ({ kind: 'hang' })
    const error = await failure(connect(undefined, 400).set(keyFromText('a'), Buffer.from('1')))
    expect(error.code).to.equal('outcome_unknown')
  })

  it('asks the others within its time where a node hangs', async () => {
    const [first, second] = nodes as [FakeNode, FakeNode]
    second.values.set('a', Buffer.from('1'))
    first.mischief = () => ({ kind: 'hang' })
    expect((await connect(undefined, 1_000).get(keyFromText('a'))).value).to.equal('1')
  })

  it('reports no quorum as definite where every node says so', async () => {
    for (const node of nodes)
      node.mischief = () => ({ kind: 'error', error: new KvError('no_quorum', 'too few') })
    const error = await failure(connect().set(keyFromText('a'), Buffer.from('1')))
    expect([error.code, error.kind.exit]).to.deep.equal(['no_quorum', 5])
    expect(nodes.map((node) => node.requests.length)).to.deep.equal([1, 1, 1])
  })

  it('does not repeat what is wrong with the request itself', async () => {
    for (const node of nodes)
      node.mischief = () => ({ kind: 'error', error: new KvError('too_large', 'too much') })
    expect((await failure(connect().set(keyFromText('a'), Buffer.from('1')))).code).to.equal('too_large')
    expect(nodes.map((node) => node.requests.length)).to.deep.equal([1, 0, 0])
  })

  it('asks the next endpoint for a change of the ring whose answer was lost, and makes it once', async () => {
    const [first, second, third] = nodes as [FakeNode, FakeNode, FakeNode]
    first.mischief = () => ({ kind: 'drop', applied: true })
    const result = await connect().removeNode('n/4', true)
    expect(result).to.deep.equal({ removed: 'n/4', layoutVersion: 2, changed: false, waitingFor: [] })
    expect([first, second, third].map(({ removed }) => removed)).to.deep.equal([['n/4'], [], []])
    expect(second.requests.map(({ method, url }) => `${method} ${url}`)).to.deep.equal([
      'POST /ring/remove?node=n%2F4&force=true',
    ])
  })

  it('leaves a change of the ring unknown whose answer is lost, whatever the others say, and says what to do', async () => {
    const [first, second] = nodes as [FakeNode, FakeNode]
    first.mischief = () => ({ kind: 'drop', applied: true })
    second.mischief = () => ({ kind: 'error', error: new KvError('conflict', 'n1 is out of reach') })
    const error = await failure(connect().removeNode('n4', false))
    expect([error.code, error.hint]).to.deep.equal([
      'outcome_unknown',
      'ask for it again: what is done already is not done twice',
    ])
  })

  it('takes the refusal of a change of the ring for the last word', async () => {
    for (const node of nodes)
      node.mischief = () => ({ kind: 'error', error: new KvError('conflict', 'n4 is up', 'stop it first') })
    const error = await failure(connect().removeNode('n4', false))
    expect([error.code, error.kind.exit, error.hint]).to.deep.equal(['conflict', 4, 'stop it first'])
    expect(nodes.map((node) => node.requests.length)).to.deep.equal([1, 0, 0])
  })

  it('takes the 404 of another server for no answer about the key', async () => {
    for (const node of nodes) node.mischief = () => ({ kind: 'foreign', status: 404 })
    expect((await failure(connect().get(keyFromText('a')))).code).to.equal('unreachable')
    expect((await failure(connect().exists(keyFromText('a')))).code).to.equal('unreachable')
  })

  it("takes a proxy's 502 for an unknown outcome of a write", async () => {
    for (const node of nodes) node.mischief = () => ({ kind: 'foreign', status: 502 })
    expect((await failure(connect().set(keyFromText('a'), Buffer.from('1')))).code).to.equal(
      'outcome_unknown',
    )
  })

  it('scans all pages, each entry once, although a node is gone half way', async () => {
    const [first] = nodes as [FakeNode]
    for (const { values } of nodes) for (let i = 0; i < 2_500; i++) values.set(`k${i}`, Buffer.of(i & 255))
    let pages = 0
    first.mischief = () => (++pages > 1 ? { kind: 'drop', applied: false } : undefined)
    const keys: string[] = []
    for await (const entry of connect().scan()) keys.push(entry.key)
    expect(keys).to.have.length(2_500)
    expect(new Set(keys).size).to.equal(2_500)
  })

  it('scans no more than the limit', async () => {
    for (const { values } of nodes) for (let i = 0; i < 30; i++) values.set(`k${i}`, Buffer.alloc(1))
    const keys: string[] = []
    for await (const entry of connect().scan({ limit: 7, prefix: keyFromText('k1') })) keys.push(entry.key)
    expect(keys).to.have.length(7)
    expect(keys.every((key) => key.startsWith('k1'))).to.equal(true)
  })

  it('gives the outcome of each line of a batch', async () => {
    const [node] = nodes as [FakeNode]
    node.lineError = ({ key }) => (key === 'b' ? new KvError('too_large', 'too much') : undefined)
    const operations = ['a', 'b', 'c'].map((key) => ({ op: 'put' as const, key, value: key }))
    const codes: (string | undefined)[] = []
    for await (const outcomes of connect().batch(node.url, operations))
      codes.push(...outcomes.map(({ error }) => error?.code))
    expect(codes).to.deep.equal([undefined, 'too_large', undefined])
    expect([...node.values.keys()]).to.deep.equal(['a', 'c'] as unknown as Key[])
  })
})
