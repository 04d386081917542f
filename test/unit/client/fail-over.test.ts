import { expect } from 'chai'
import type { KvClient } from '../../../shared/client/client.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { eventually } from '../../eventually.ts'
import { clientOf } from './client-of.ts'
import { FakeNode } from './fake-ring.ts'

const KEY = keyFromText('a')
const ONE = Buffer.from('1')

describe('fail-over of the client', () => {
  let nodes: [FakeNode, FakeNode, FakeNode]
  let clients: KvClient[]

  beforeEach(async () => {
    nodes = [await new FakeNode().listen(), await new FakeNode().listen(), await new FakeNode().listen()]
    for (const node of nodes) {
      node.members = nodes
      node.values.set('a', ONE)
    }
    clients = []
  })

  afterEach(async () => {
    for (const client of clients) client.close()
    await Promise.all(nodes.map((node) => node.close()))
  })

  function connect(timeoutMs = 10_000): KvClient {
    const client = clientOf(
      nodes.map((node) => node.url),
      timeoutMs,
    )
    clients.push(client)
    return client
  }

  async function seconds(action: Promise<unknown>): Promise<number> {
    const startedMs = performance.now()
    await action
    return (performance.now() - startedMs) / 1_000
  }

  const requests = (): number[] => nodes.map((node) => node.requests.length)

  describe('of a read', () => {
    it('asks one node where that answers soon', async () => {
      nodes[0].mischief = () => ({ kind: 'slow', ms: 50 })
      await connect().get(KEY)
      expect(requests()).to.deep.equal([1, 0, 0])
    })

    it('asks the next node soon where one hangs, gives the first one up, and stays with the second', async () => {
      nodes[0].mischief = () => ({ kind: 'hang' })
      const client = connect()
      expect(await seconds(client.get(KEY))).to.be.lessThan(1.5)
      await eventually('the other request is given up', () => nodes[0].abandoned === 1)
      await client.get(KEY)
      expect(requests()).to.deep.equal([1, 2, 0])
    })

    it('takes the answer of the first node where that comes before the answer of the second', async () => {
      nodes[0].mischief = () => ({ kind: 'slow', ms: 500 })
      nodes[1].mischief = () => ({ kind: 'hang' })
      expect((await connect().get(KEY)).value).to.equal('1')
      expect(requests()).to.deep.equal([1, 1, 0])
      await eventually('the other request is given up', () => nodes[1].abandoned === 1)
    })

    it('waits for the others where one of them fails', async () => {
      nodes[0].mischief = () => ({ kind: 'slow', ms: 700 })
      for (const node of nodes.slice(1))
        node.mischief = () => ({ kind: 'error', error: new KvError('no_quorum', 'too few') })
      expect((await connect().get(KEY)).value).to.equal('1')
      expect(requests()).to.deep.equal([1, 1, 1])
    })

    it('takes "not found" for the answer, whoever is still being asked', async () => {
      nodes[0].mischief = () => ({ kind: 'hang' })
      const missing = connect()
        .get(keyFromText('missing'))
        .catch((error: KvError) => expect(error.code).to.equal('not_found'))
      expect(await seconds(missing)).to.be.lessThan(1.5)
      expect(requests()).to.deep.equal([1, 1, 0])
    })

    it('asks a ring that is slow as a whole only a little more often', async () => {
      for (const node of nodes) node.mischief = () => ({ kind: 'slow', ms: 800 })
      await connect().get(KEY)
      expect(requests()).to.deep.equal([1, 1, 0])
    })

    it('begins a read that takes long, a count, with a node that is alive', async () => {
      nodes[0].mischief = () => ({ kind: 'hang' })
      expect(await seconds(connect().count())).to.be.lessThan(1.5)
      expect(requests()).to.deep.equal([0, 1, 0])
    })

    it('says that the time is up where every node hangs', async () => {
      for (const node of nodes) node.mischief = () => ({ kind: 'hang' })
      const hanging = connect(600)
        .get(KEY)
        .catch((error: KvError) => expect(error.code).to.equal('read_timeout'))
      expect(await seconds(hanging)).to.be.within(0.4, 1.5)
    })
  })

  describe('of a write', () => {
    it('does not send it to a node that hangs: the next one has it as a first attempt', async () => {
      nodes[0].mischief = () => ({ kind: 'hang' })
      expect(await seconds(connect().set(KEY, ONE))).to.be.lessThan(1.5)
      expect(requests()).to.deep.equal([0, 1, 0])
      expect(nodes[1].writes).to.deep.include({ key: 'a', value: ONE, request: 'r1', attempt: 0 })
    })

    it('waits longer for one that changes the ring than for others, so that the node itself says how it went', async () => {
      const refusal = new KvError('no_quorum', 'no majority of the members could be asked')
      nodes[0].mischief = (method) => (method === 'POST' ? { kind: 'slow', ms: 2_500 } : undefined)
      expect(await connect().removeNode('n4', false)).to.include({ changed: true })
      expect(requests()).to.deep.equal([1, 0, 0])
      for (const node of nodes)
        node.mischief = (method) => (method === 'POST' ? { kind: 'error', error: refusal } : undefined)
      const thrown = await connect()
        .changePolicy('lww')
        .catch((error: KvError) => error)
      expect([(thrown as KvError).code, requests()]).to.deep.equal(['no_quorum', [2, 1, 1]])
    })

    it('asks a single time who is alive for writes that begin together, and not again soon after', async () => {
      let questions = 0
      nodes[0].mischief = (_method, url) => {
        if (url === '/health/live') questions++
        return undefined
      }
      const client = connect()
      await Promise.all([client.set(KEY, ONE), client.set(KEY, ONE), client.del(KEY)])
      await client.set(KEY, ONE)
      expect(questions).to.equal(1)
    })

    it('is given up where a node stops under way, and sent again to the next under its name', async () => {
      nodes[0].mischief = (method) => (method === 'PUT' ? { kind: 'hang' } : undefined)
      expect(await seconds(connect().set(KEY, ONE))).to.be.within(1.5, 4)
      await eventually('the first attempt is given up', () => nodes[0].abandoned === 1)
      expect(nodes[1].writes).to.deep.include({ key: 'a', value: ONE, request: 'r1', attempt: 1 })
    }).timeout(8_000)
  })

  it('of a scan begins with a node that is alive', async () => {
    nodes[0].mischief = () => ({ kind: 'hang' })
    const keys: string[] = []
    const scan = async (): Promise<void> => {
      for await (const { key } of connect().scan()) keys.push(key)
    }
    expect(await seconds(scan())).to.be.lessThan(1.5)
    expect(keys).to.deep.equal(['a'])
  })
})
