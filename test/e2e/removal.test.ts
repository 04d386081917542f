import { expect } from 'chai'
import type { LayoutResult, RemovalResult, RingStatus, TombstonesStatus } from '../../shared/api.ts'
import type { KeyReport } from '../../shared/key-report.ts'
import { eventually } from '../eventually.ts'
import { KvUser } from './kv-user.ts'
import { type NodeProcess, ProcessRing } from './process-ring.ts'
import { expectFailure } from './surface/surface.ts'
import { judgeAll, Writers } from './writers.ts'

const MINUTE = 60_000
const NODES = ['n1', 'n2', 'n3', 'n4', 'n5']
const LOST = 'n5'
const COPIES = 3
const KEYS = 200
const DELETED = 30
const AT_ONCE = 16

/** Nodes that are dead, hang, or come back with their old disk, and are taken out of a ring that is in use. */
describe('a node that is removed', function () {
  this.timeout(4 * MINUTE)

  const user = new KvUser()
  const flags = ['--repair-every-ms', '500', '--tombstones-min-age-ms', '2000']
  const ring = new ProcessRing({ user }, { ids: NODES, flags })
  const members = new Set(NODES)
  /** What was acknowledged, by key; null where it was deleted. */
  const expected = new Map<string, string | null>()

  before(() => ring.start())

  after(async () => {
    for (const { child } of ring.nodes.values()) child.kill('SIGCONT')
    await ring.dispose()
    await user.dispose()
  })

  const at = (id: string): string[] => ['--endpoint', ring.endpoint(id)]
  const remove = (...argv: string[]) => user.json<RemovalResult>(['node', 'remove', ...argv, ...at('n1')])
  /** Until all members have heard of it: on a busy machine one may be late, and the command says so, and what to do. */
  const removed = async (id: string): Promise<RemovalResult> => {
    let result: RemovalResult | undefined
    await eventually(
      `${id} to be removed, as all members know`,
      async () => {
        const run = await user.kv(['node', 'remove', id, '--json', ...at('n1')])
        if (run.code !== 0) {
          expect(run.json<{ error: { retryable: boolean } }>().error.retryable, run.out).to.equal(true)
          return false
        }
        result = run.json()
        return result?.waitingFor.length === 0
      },
      MINUTE,
    )
    return result as RemovalResult
  }
  const refused = (...argv: string[]) => user.kv(['node', 'remove', ...argv, '--json', ...at('n1')])
  const get = async <T>(id: string, path: string): Promise<T> =>
    (await (await fetch(`${ring.endpoint(id)}${path}`)).json()) as T
  const layout = () => get<LayoutResult>('n1', '/ring/layout')

  /** Does it for all keys, some at a time. */
  async function each(
    keys: Iterable<string>,
    work: (key: string, i: number) => Promise<void>,
  ): Promise<void> {
    const left = [...keys].entries()
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (const [i, key] of left) await work(key, i)
      }),
    )
  }

  /** Through each of these nodes in turn. */
  async function write(
    keys: readonly string[],
    value: string | null,
    through: string[],
    w = 2,
  ): Promise<void> {
    await each(keys, async (key, i) => {
      const url = `${ring.endpoint(through[i % through.length] as string)}/kv/${key}?w=${w}`
      const order = value === null ? { method: 'DELETE' } : { method: 'PUT', body: `${value} ${key}` }
      const answer = await fetch(url, order)
      expect(answer.status, await answer.text()).to.equal(200)
      expected.set(key, value === null ? null : `${value} ${key}`)
    })
  }

  /** What any of these nodes answers otherwise than it must, with so many owners asked. */
  async function wrong(r: number, through: Iterable<string>): Promise<string[]> {
    const found: string[] = []
    for (const id of through) {
      await each(expected.keys(), async (key) => {
        const answer = await fetch(`${ring.endpoint(id)}/kv/${key}?r=${r}`)
        const text = await answer.text()
        const value = answer.ok ? text : answer.status === 404 ? null : `${answer.status} ${text}`
        if (value !== expected.get(key)) found.push(`${id}, ${key}: ${value}, not ${expected.get(key)}`)
      })
    }
    return found
  }

  const statuses = (ids: Iterable<string>) => Promise.all([...ids].map((id) => get<RingStatus>(id, '/ring')))
  const others = (id: string) => [...members].filter((other) => other !== id)

  const untilDown = (id: string) =>
    eventually(
      `${id} to be down, as all others see it`,
      async () =>
        (await statuses(others(id))).every(
          ({ nodes }) => nodes.find((node) => node.id === id)?.state === 'down',
        ),
      MINUTE,
    )

  /** The members, and nobody else, are up; no copy has to be filled, and no hint waits. */
  const untilOk = () =>
    eventually(
      'the members to be whole',
      async () =>
        (await statuses(members)).every(
          ({ health, nodes }) =>
            health === 'ok' &&
            nodes.length === members.size &&
            nodes.every(
              ({ id, hintsHeld, unfilledSlots }) => members.has(id) && hintsHeld + unfilledSlots === 0,
            ),
        ),
      2 * MINUTE,
    )

  /**
   * Every key has its copies, on members only, and they come to be equal: what is deleted is collected by one owner
   * after the other, and until the last has done so they differ.
   */
  async function expectEqualCopies(): Promise<void> {
    await each(expected.keys(), async (key) => {
      let report: KeyReport | undefined
      await eventually(
        `the copies of ${key} to be equal`,
        async () => {
          report = await get<KeyReport>('n1', `/keys/explain?key=${key}`)
          const owners = report.nodes.filter(({ role }) => role === 'owner')
          expect(owners, key).to.have.length(COPIES)
          return report.same && new Set(owners.map(({ copy }) => copy?.digest)).size === 1
        },
        MINUTE,
      ).catch((error) => expect.fail(`${error.message}\n${JSON.stringify(report)}`))
      expect([...members], key).to.include.members(report?.nodes.map(({ id }) => id) ?? [])
    })
  }

  async function expectRemovedProcess(node: NodeProcess): Promise<void> {
    const code = await node.ended()
    expect(node.stderr).to.include('was removed from the ring')
    expect(code, node.stderr).to.equal(4)
  }

  const named = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}-${i}`)

  it('is written for while it is down', async () => {
    await write([...named('old', KEYS), ...named('changed', KEYS)], 'first', NODES)
    await write(named('deleted', DELETED), 'first', NODES, COPIES)
    await ring.node(LOST).end('SIGKILL')
    await untilDown(LOST)
    await write([...named('changed', KEYS), ...named('new', KEYS)], 'second', others(LOST))
    await write(named('deleted', DELETED), null, others(LOST))
    const [status] = await statuses(['n1'])
    expect(status?.nodes.reduce((sum, { hintsHeld }) => sum + hintsHeld, 0)).to.be.greaterThan(0)
  })

  it('is not one that is up, or that there is none of', async () => {
    const before = await layout()
    expectFailure(await refused('n2'), 4, 'conflict', /^n2 is up/)
    expectFailure(await refused('n1', '--force'), 4, 'conflict', /^n1 is up/)
    expectFailure(await refused('n9'), 3, 'not_found', /"n9"/)
    expect(await layout()).to.deep.equal(before)
    expect(before.version).to.equal(1)
  })

  it('has its slots filled elsewhere, while writes go on, and nothing is lost', async () => {
    const staying = others(LOST)
    const writers = new Writers(
      staying.map((id) => ring.endpoint(id)),
      8,
    )
    try {
      // Asked before, too: a command may take as long to end as the slots take to be filled.
      const told = eventually(
        'the status to say that slots are being filled',
        async () =>
          (await statuses(['n1'])).some(({ reason }) => /\d+ slots are being filled on n\d/.test(reason)),
        MINUTE,
      )
      const [result] = await Promise.all([removed(LOST), told])
      expect(result).to.include({ removed: LOST, layoutVersion: 2 })
      members.delete(LOST)
      ring.http.delete(LOST)
      await untilOk()
    } finally {
      await writers.stop()
    }
    const fates = writers.writes().map(({ fate }) => fate)
    expect(fates.filter((fate) => fate === 'acknowledged').length).to.be.greaterThan(100)
    expect(await judgeAll(ring.http, writers)).to.deep.equal([])
    expect(await wrong(COPIES, members)).to.deep.equal([])
    await expectEqualCopies()
    const { members: left, former } = await layout()
    expect(left.map(({ id }) => id)).to.deep.equal(staying)
    expect(former).to.deep.equal([LOST])
    const { out } = await user.kv(['key', 'explain', 'changed-0', ...at('n2')])
    expect(out).to.not.include(LOST)
  })

  it('is told to be removed already, where it is', async () => {
    expect(await remove(LOST, '--force')).to.include({ changed: false, layoutVersion: 2 })
    const { code, out } = await user.kv(['node', 'remove', LOST, ...at('n3')])
    expect([code, out]).to.deep.equal([0, `${LOST} is out of the ring already, layout 2\n`])
  })

  it('is not let in again with its old disk, not even when nobody remembers what was deleted', async () => {
    const remembered = async () => {
      const { nodes } = await user.json<{ nodes: TombstonesStatus[] }>(['tombstones', 'stats', ...at('n1')])
      return nodes.reduce((sum, { tombstones }) => sum + tombstones, 0)
    }
    await eventually('the tombstones to be collected', async () => (await remembered()) === 0, 2 * MINUTE)
    const node = ring.spawn(LOST)
    ring.nodes.set(LOST, node)
    await expectRemovedProcess(node)
    await untilOk()
    expect(await wrong(COPIES, members)).to.deep.equal([])
  })

  it('is missed by nobody when the next one is killed', async () => {
    await ring.node('n4').end('SIGKILL')
    await untilDown('n4')
    expect(await wrong(2, others('n4'))).to.deep.equal([])
    await ring.startNode('n4')
    await untilOk()
  })

  it('may be one that hangs: it ends when it hears of it', async () => {
    ring.node('n4').child.kill('SIGSTOP')
    await untilDown('n4')
    expect(await removed('n4')).to.include({ removed: 'n4', layoutVersion: 3 })
    members.delete('n4')
    ring.http.delete('n4')
    ring.node('n4').child.kill('SIGCONT')
    await expectRemovedProcess(ring.node('n4'))
    await untilOk()
    expect(await wrong(COPIES, members)).to.deep.equal([])
    await expectEqualCopies()
  })

  it('is not one without which a key could not have its copies', async () => {
    await ring.node('n3').end('SIGKILL')
    await untilDown('n3')
    for (const argv of [['n3'], ['n3', '--force']])
      expectFailure(await refused(...argv), 4, 'conflict', /^every key has 3 copies/)
    expect(await layout()).to.include({ version: 3 })
    await ring.startNode('n3')
    await untilOk()
    expect(await wrong(COPIES, members)).to.deep.equal([])
  })
})
