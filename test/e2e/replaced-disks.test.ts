import { rmSync } from 'node:fs'
import { expect } from 'chai'
import type { RingStatus, TombstonesStatus } from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import { copyDirectory, hideCopying } from './disk-images.ts'
import { KvUser } from './kv-user.ts'
import { ProcessRing } from './process-ring.ts'

const MINUTE = 60_000
const NODES = ['n1', 'n2', 'n3']
const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`)
const KEPT = KEYS.filter((_, i) => i % 3 === 0)

for (const how of ['a copy of the directory', 'a snapshot of the volume, of which it sees nothing']) {
  /** Nobody is left that saw the deletes, and one node has a disk from before them. */
  describe(`the disks of all other nodes are replaced, and one is put back from ${how}`, function () {
    this.timeout(4 * MINUTE)

    const user = new KvUser()
    const flags = ['--repair-every-ms', '500', '--tombstones-min-age-ms', '2000']
    const ring = new ProcessRing({ user }, { ids: NODES, flags })
    before(() => ring.start())
    after(async () => {
      await ring.dispose()
      await user.dispose()
    })

    const get = async <T>(id: string, path: string): Promise<T> =>
      (await (await fetch(`${ring.endpoint(id)}${path}`)).json()) as T
    const forEachKey = (keys: readonly string[], method: string, id: string) =>
      Promise.all(
        keys.map(async (key) => {
          const body = method === 'PUT' ? { body: `${key} of old` } : {}
          const answer = await fetch(`${ring.endpoint(id)}/kv/${key}?w=3`, { method, ...body })
          expect(answer.status, await answer.text()).to.equal(200)
        }),
      )

    /** With what its disk holds after `change`. */
    async function restart(id: string, signal: NodeJS.Signals, change: () => void | Promise<void>) {
      await ring.node(id).end(signal)
      await change()
      await ring.startNode(id)
      await ring.untilWhole()
    }

    it('brings nothing back that was deleted, and loses nothing that was not', async () => {
      const [data, snapshot] = [user.file('n3'), user.file('snapshot')]
      await forEachKey(KEYS, 'PUT', 'n1')
      await restart('n3', 'SIGTERM', () => copyDirectory(data, snapshot))
      await forEachKey(
        KEYS.filter((key) => !KEPT.includes(key)),
        'DELETE',
        'n2',
      )
      const tombstones = async () => {
        const all = await Promise.all(NODES.map((id) => get<TombstonesStatus>(id, '/tombstones')))
        return all.reduce((sum, node) => sum + node.tombstones, 0)
      }
      await eventually('the tombstones to be collected', async () => (await tombstones()) === 0, MINUTE)
      for (const id of ['n1', 'n2'])
        await restart(id, 'SIGKILL', () => rmSync(user.file(id), { recursive: true }))
      await restart('n3', 'SIGKILL', async () => {
        copyDirectory(snapshot, data)
        if (how.includes('volume')) await hideCopying(data)
      })
      const { nodes } = await get<RingStatus>('n1', '/ring')
      expect(nodes.map(({ unfilledSlots }) => unfilledSlots)).to.deep.equal([0, 0, 0])
      const found: string[] = []
      for (const id of NODES) {
        for (const key of KEYS) {
          const answer = await fetch(`${ring.endpoint(id)}/kv/${key}?r=1`)
          const kept = KEPT.includes(key)
          const text = await answer.text()
          if (answer.status !== (kept ? 200 : 404) || (kept && text !== `${key} of old`))
            found.push(`${id}, ${key}: ${answer.status} ${text}`)
        }
      }
      expect(found).to.deep.equal([])
    })
  })
}
