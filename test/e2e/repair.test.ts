import { writeFileSync } from 'node:fs'
import { expect } from 'chai'
import type {
  HintsStatus,
  RepairStatus,
  RingStatus,
  ScrubStatus,
  TombstonesStatus,
} from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import { KvUser } from './kv-user.ts'
import { ProcessRing } from './process-ring.ts'

const MINUTE = 60_000
const NODES = ['n1', 'n2', 'n3', 'n4']
const AWAY = 'n4'
const COPIES = 3
/** KV_E2E_REPAIR_RECORDS=200000 takes as many as the bar asks for. */
const RECORDS = Number(process.env.KV_E2E_REPAIR_RECORDS || 10_000)

interface Answers<T> {
  readonly nodes: T[]
  readonly unreachable: string[]
}

/** Real processes without hints: what a node misses only anti-entropy brings back. */
describe('a ring that keeps no hints', function () {
  this.timeout(5 * MINUTE)

  const user = new KvUser()
  const flags = ['--max-hint-bytes', '0', '--repair-every-ms', '500', '--tombstones-min-age-ms', '2000']
  const ring = new ProcessRing({ user }, { ids: NODES, flags })

  before(() => ring.start())

  after(async () => {
    await ring.dispose()
    await user.dispose()
  })

  /** `kv --json`, sent to a node that stays. */
  function kv<T>(...argv: string[]): Promise<T> {
    return user.json<T>([...argv, '--endpoint', ring.endpoint('n1')], { timeout: 4 * MINUTE })
  }

  const statuses = async () => (await kv<Answers<RepairStatus>>('repair', 'status')).nodes
  const keysOn = async (id?: string): Promise<number> => {
    const { nodes } = await kv<RingStatus>('ring', 'status')
    return nodes.reduce((sum, node) => sum + (id === undefined || node.id === id ? node.keys : 0), 0)
  }

  it('is whole again after a node missed an import, and says meanwhile what differs', async () => {
    await kv('repair', 'pause')
    await ring.node(AWAY).end('SIGKILL')
    const file = user.file('records.ndjson')
    const lines = Array.from({ length: RECORDS }, (_, i) =>
      JSON.stringify({ key: `key-${i}`, value: `value ${i}` }),
    )
    writeFileSync(file, lines.join('\n'))
    expect(await kv('import', file)).to.include({ written: RECORDS, unknown: 0 })
    const before = await keysOn()
    expect(before, 'nobody has stood in for the node').to.be.lessThan(COPIES * RECORDS)
    expect((await kv<HintsStatus>('hints', 'list')).hints).to.deep.equal([])

    const beganMs = performance.now()
    // Asked of the node itself: a command may take as long to start as all that differs takes to be mended.
    const told = eventually(
      'the status of the ring to say that copies differ',
      async () => {
        const answer = await fetch(`${ring.endpoint('n1')}/ring`)
        return /slots that differ/.test(((await answer.json()) as RingStatus).reason)
      },
      MINUTE,
    )
    await Promise.all([told, ring.startNode(AWAY).then(() => kv('repair', 'resume'))])
    await eventually('all copies to be there', async () => (await keysOn()) === COPIES * RECORDS, 4 * MINUTE)
    await ring.untilWhole()
    console.log(
      `      ${RECORDS} records: whole after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`,
    )
    const repaired = (await statuses()).flatMap(({ peers }) => peers.map((peer) => peer.keysRepaired))
    expect(repaired.reduce((sum, keys) => sum + keys, 0)).to.be.at.least(COPIES * RECORDS - before)
  })

  it('finds nothing more to mend in a further round with everyone', async () => {
    const rounds = new Map((await statuses()).map((status) => [status.node, status.rounds]))
    await kv('repair', 'start')
    const compared = async () =>
      (await statuses()).every(({ node, rounds: now }) => now > (rounds.get(node) ?? 0))
    await eventually('a round of every node', compared, MINUTE)
    for (const { divergentSlots, peers } of await statuses()) {
      expect(divergentSlots).to.equal(0)
      expect(peers.map(({ id, slotsDiffering }) => [id, slotsDiffering])).to.deep.equal(
        peers.map(({ id }) => [id, 0]),
      )
    }
    const { out } = await user.kv(['repair', 'status', '--endpoint', ring.endpoint(AWAY)])
    expect(out.split('\n')[0]).to.equal('no difference is known between the copies')
  })

  it('scrubs, and finds every record whole', async () => {
    await kv('scrub', 'start')
    const done = async () =>
      (await kv<Answers<ScrubStatus>>('scrub', 'status')).nodes.every(({ passes }) => passes > 0)
    await eventually('a pass on every node', done, 3 * MINUTE)
    const { nodes } = await kv<Answers<ScrubStatus>>('scrub', 'status')
    expect(nodes.map(({ recordsDamaged, slotsRebuilt }) => recordsDamaged + slotsRebuilt)).to.deep.equal([
      0, 0, 0, 0,
    ])
    expect(nodes.reduce((sum, { recordsChecked }) => sum + recordsChecked, 0)).to.be.at.least(
      COPIES * RECORDS,
    )
  })

  it('remembers what was deleted while a node is away, and no longer', async () => {
    const deleted = Array.from({ length: 50 }, (_, i) => `key-${i}`)
    const stats = async () => (await kv<Answers<TombstonesStatus>>('tombstones', 'stats')).nodes
    const remembered = async () => (await stats()).reduce((sum, { tombstones }) => sum + tombstones, 0)
    await ring.node(AWAY).end('SIGKILL')
    for (const key of deleted) {
      const answer = await fetch(`${ring.endpoint('n1')}/kv/${key}`, { method: 'DELETE' })
      expect(answer.status, key).to.equal(200)
    }
    const waiting = async () =>
      (await stats()).every(({ waitingFor }) => waitingFor === `${AWAY} is out of reach`)
    await eventually('the nodes to wait for the one that is away', waiting, MINUTE)
    expect(await remembered()).to.be.at.least(2 * deleted.length)
    const { out } = await user.kv(['tombstones', 'stats', '--endpoint', ring.endpoint('n1')])
    expect(out.split('\n')[0]).to.equal(`tombstones stay for now: ${AWAY} is out of reach`)

    await ring.startNode(AWAY)
    await eventually('the tombstones to go', async () => (await remembered()) === 0, 2 * MINUTE)
    for (const key of deleted) {
      const answer = await fetch(`${ring.endpoint(AWAY)}/kv/${key}?r=3`)
      expect(answer.status, key).to.equal(404)
    }
    expect(await keysOn()).to.equal(COPIES * (RECORDS - deleted.length))
  })

  it('refuses an order to a node that it does not have', async () => {
    const { code, err } = await user.kv([
      'repair',
      'pause',
      '--node',
      'n9',
      '--endpoint',
      ring.endpoint('n1'),
    ])
    expect(code).to.equal(3)
    expect(err).to.match(/n9/)
    expect((await statuses()).map(({ state }) => state)).to.not.include('paused')
  })
})
