import { renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import type { ReadResult, RingStatus, WriteResult } from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import { copyDirectory, dataOf, endNode, hideCopying } from './disk-images.ts'
import { ended, KvUser } from './kv-user.ts'
import { expectFailure, MINUTE, untilOk } from './surface/surface.ts'

const KEYS = 40

/** Disks that are put back, emptied, copied and swapped under the nodes of a real ring. */
describe('the disk of a node', function () {
  this.timeout(3 * MINUTE)

  const user = new KvUser()
  /** Of every write that was acknowledged: no two may have the same. */
  const versions: string[] = []
  const expected = new Map<string, string>()
  let round = 0

  before(() => user.json(['up', '-n', '3']))
  after(() => user.dispose())

  const at = (id: string): string[] => ['--endpoint', user.endpoints().get(id) as string]
  const restart = (id: string) => user.json(['chaos', 'restart', id])
  const secret = () => path.join(user.home, 'rings', 'local', 'secret')

  /** Writes all keys through one node, which owns a copy of each of them in a ring of three. */
  async function write(id: string): Promise<void> {
    round++
    const url = user.endpoints().get(id)
    await Promise.all(
      Array.from({ length: KEYS }, async (_, i) => {
        const [key, value] = [`key-${i}`, `${round}.${i}`]
        const answer = await fetch(`${url}/kv/${key}`, { method: 'PUT', body: value })
        expect(answer.status, await answer.clone().text()).to.equal(200)
        versions.push(((await answer.json()) as WriteResult).version)
        expected.set(key, value)
      }),
    )
  }

  /** Every key has its last acknowledged value on every node, and no version was given out twice. */
  async function expectSound(): Promise<void> {
    await untilOk(user)
    expect(new Set(versions).size, 'a version was given out twice').to.equal(versions.length)
    const wrong: string[] = []
    for (const [id, url] of user.endpoints()) {
      for (const [key, value] of expected) {
        const answer = await fetch(`${url}/kv/${key}?r=2`, { headers: { accept: 'application/json' } })
        const found = answer.ok ? ((await answer.json()) as ReadResult).value : answer.status
        if (found !== value) wrong.push(`${id}, ${key}: ${found}, not ${value}`)
      }
    }
    expect(wrong).to.deep.equal([])
  }

  /** A second process on `data`, with the ring's name and secret. */
  const startBeside = (id: string, data: string, cluster = 'local') =>
    user.start([
      ...['node', 'start', '--id', id, '--data', data, '--cluster', cluster, '--secret-file', secret()],
      ...[
        '--http-port',
        '0',
        '--peer-port',
        '0',
        '--discovery-port',
        String(user.ring().discoveryPort),
        '--json',
      ],
    ])

  for (const how of ['a copy of the directory', 'a snapshot of the volume, of which it sees nothing']) {
    it(`is put back after a stop in good order, from ${how}`, async () => {
      const data = dataOf(user, 'n1')
      await write('n1')
      await endNode(user, 'n1')
      copyDirectory(data, user.file('snapshot'))
      await restart('n1')
      await untilOk(user)
      await write('n1')
      await endNode(user, 'n1')
      copyDirectory(user.file('snapshot'), data)
      if (how.includes('volume')) await hideCopying(data)
      await restart('n1')
      await write('n1')
      await expectSound()
    })
  }

  it('is put back to what it was while the node ran', async () => {
    const data = dataOf(user, 'n2')
    await write('n2')
    copyDirectory(data, user.file('snapshot'))
    await write('n2')
    await endNode(user, 'n2', 'SIGKILL')
    copyDirectory(user.file('snapshot'), data)
    await hideCopying(data)
    await restart('n2')
    await write('n2')
    await expectSound()
  })

  it('is emptied', async () => {
    await write('n3')
    await endNode(user, 'n3', 'SIGKILL')
    rmSync(dataOf(user, 'n3'), { recursive: true })
    await restart('n3')
    await write('n3')
    await expectSound()
  })

  for (const how of ['a copy of the directory', 'a copy of the volume, of which it sees nothing']) {
    it(`is started a second time beside the first, as ${how}`, async () => {
      const copy = user.file('copy')
      copyDirectory(dataOf(user, 'n1'), copy)
      if (how.includes('volume')) await hideCopying(copy)
      const before = await user.json<RingStatus>(['ring', 'status', ...at('n2')])
      const second = ended(await startBeside('n1', copy))
      expect(second.code, second.err).to.equal(4)
      expect(second.err).to.match(/another node with the id n1 is in the ring already/)
      expect(second.err).to.match(/stop one of the two/)
      const after = await user.json<RingStatus>(['ring', 'status', ...at('n2')])
      const n1 = ({ nodes }: RingStatus) => nodes.find(({ id }) => id === 'n1')
      expect(n1(after)?.incarnation).to.equal(n1(before)?.incarnation)
      expect(n1(after)?.http).to.equal(n1(before)?.http)
      await write('n1')
      await expectSound()
    })
  }

  it('is refused to another node and to another cluster, and nothing is changed', async () => {
    const copy = user.file('copy')
    copyDirectory(dataOf(user, 'n1'), copy)
    const other = ended(await startBeside('n4', copy))
    expectFailure(other, 2, 'usage', /belongs to the node n1, not to n4/)
    expect(other.err).to.match(/--id n1/)
    const elsewhere = ended(await startBeside('n1', copy, 'other'))
    expectFailure(elsewhere, 2, 'usage', /belongs to the cluster local, not to other/)
    const running = ended(await startBeside('n1', dataOf(user, 'n1')))
    expectFailure(running, 4, 'conflict', /is in use by process \d+/)
  })

  it('is swapped with that of another node: both say whose it is', async () => {
    const [one, two] = [dataOf(user, 'n1'), dataOf(user, 'n2')]
    const swap = () => {
      renameSync(one, user.file('swapped'))
      renameSync(two, one)
      renameSync(user.file('swapped'), two)
    }
    await endNode(user, 'n1')
    await endNode(user, 'n2')
    swap()
    const run = await user.kv(['chaos', 'restart', 'n1', '--json'])
    expectFailure(run, 2, 'usage', /^n1 did not start: .* belongs to the node n2, not to n1/)
    const back = await user.kv(['chaos', 'restart', 'n2', '--json'])
    expectFailure(back, 2, 'usage', /^n2 did not start: .* belongs to the node n1, not to n2/)
    swap()
    await user.json(['chaos', 'restart', 'n1', 'n2'])
    await expectSound()
  })

  it('comes from another ring of the same name: the ring keeps it out, and says why', async () => {
    const other = new KvUser()
    try {
      await other.json(['up', '-n', '3'])
      await other.json(['set', 'key-0', 'of the other ring'])
      await other.json(['down'])
      const own = dataOf(user, 'n3')
      await endNode(user, 'n3')
      copyDirectory(own, user.file('own'))
      copyDirectory(dataOf(other, 'n3'), own)
      const run = await user.kv(['chaos', 'restart', 'n3', '--timeout', '8s', '--json'])
      expectFailure(run, 5, 'not_ready', /another ring of the same name/)
      expect((await user.kv(['get', 'key-0', '--r', '1', '--timeout', '2s', ...at('n3')])).out).to.equal('')
    } finally {
      await other.dispose()
      await endNode(user, 'n3', 'SIGKILL')
      copyDirectory(user.file('own'), dataOf(user, 'n3'))
    }
    await restart('n3')
    await expectSound()
  })

  it('is missing under a node that runs: the node ends rather than acknowledge what is lost', async () => {
    const data = dataOf(user, 'n2')
    const node = user.ring().nodes.find(({ id }) => id === 'n2')
    renameSync(data, user.file('away'))
    await eventually(
      'n2 to end',
      async () => (await user.json<{ nodes: { pid: number | null }[] }>(['up'])).nodes[1]?.pid === null,
      MINUTE,
    )
    renameSync(user.file('away'), data)
    expect(node?.dataDir).to.equal(data)
    await restart('n2')
    await write('n2')
    await expectSound()
  })
})
