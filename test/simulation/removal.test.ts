import { expect } from 'chai'
import type { Node } from '../../server/node.ts'
import { toKvError } from '../../shared/errors.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'
import type { Machine } from './machine.ts'
import { EPOCH_MS } from './virtual-clock.ts'

const keys = Array.from({ length: 60 }, (_, i) => keyFromText(`key-${i}`))

const put =
  (key: Key, value: string, w = 2) =>
  (node: Node) =>
    node.coordinator.put(key, Buffer.from(value), { w })
const del = (key: Key) => (node: Node) => node.coordinator.put(key, null, {})
const get = (key: Key, r: number) => (node: Node) => node.coordinator.get(key, { r })
const remove =
  (id: string, force = false) =>
  (node: Node) =>
    node.removeNode(id, force)

describe('a node that leaves for good', function () {
  this.timeout(300_000)

  async function ringOf(): Promise<CalmRing> {
    const ring = new CalmRing('lww', { repairEveryMs: 600_000 })
    await ring.start()
    return ring
  }

  const others = (ring: CalmRing, id: string) =>
    ring.cluster.machines.filter((machine) => machine.id !== id && machine.up)
  const seen = (ring: CalmRing, by: string, id: string) =>
    ring
      .machine(by)
      .node?.status()
      .nodes.find((node) => node.id === id)?.state
  const down = (ring: CalmRing, id: string) =>
    ring.until(`${id} to be down`, () => others(ring, id).every((by) => seen(ring, by.id, id) === 'down'))
  const refusal = (ring: CalmRing, by: string, id: string, force = false) =>
    ring.ask(by, remove(id, force)).then(
      () => 'none',
      (error) => toKvError(error).code,
    )
  const whole = (ring: CalmRing) =>
    ring.until('the ring to be whole', () => ring.cluster.healthy && ring.cluster.hintsHeld === 0)

  async function valuesOf(ring: CalmRing, r: number): Promise<string[]> {
    const values: string[] = []
    for (const [i, key] of keys.entries()) {
      const machine = ring.cluster.machines[i % ring.cluster.machines.length] as Machine
      const { values: found } = await ring.ask(machine.id, get(key, r))
      values.push(found.map(({ value }) => value.toString()).join())
    }
    return values
  }

  it('is replaced slot by slot, and what was kept for it goes to those who take its place', async () => {
    const ring = await ringOf()
    for (const key of keys.slice(0, 30)) await ring.ask('n1', put(key, `early ${key}`))
    const gone = ring.machine('n4')
    gone.crash(true)
    await down(ring, 'n4')
    for (const key of keys) await ring.ask('n2', put(key, `late ${key}`))
    expect(ring.cluster.hintsHeld).to.be.greaterThan(0)
    expect(await ring.ask('n3', remove('n4'))).to.deep.equal({
      removed: 'n4',
      layoutVersion: 2,
      changed: true,
      waitingFor: [],
    })
    ring.cluster.part(gone, false)
    const status = ring.machine('n1').node?.status()
    expect(status?.nodes.map(({ id }) => id)).to.deep.equal(['n1', 'n2', 'n3', 'n5'])
    await whole(ring)
    expect(await valuesOf(ring, 3)).to.deep.equal(keys.map((key) => `late ${key}`))
    for (const key of keys) {
      const { same, nodes } = await ring.ask('n5', (node) => node.keys.explain(key))
      const owners = nodes.filter(({ role }) => role === 'owner').map(({ id }) => id)
      expect([same, owners.length, owners.includes('n4')], key).to.deep.equal([true, 3, false])
    }
    expect(await ring.ask('n1', remove('n4'))).to.include({ changed: false, layoutVersion: 2 })
    // One more may go, and nothing is missing at the usual quorum.
    ring.machine('n5').crash(true)
    await down(ring, 'n5')
    ring.cluster.part(ring.machine('n5'), false)
    expect(await valuesOf(ring, 2)).to.deep.equal(keys.map((key) => `late ${key}`))
  })

  it('leaves its place to owners that count in no read before they are filled', async () => {
    const ring = await ringOf()
    for (const key of keys) await ring.ask('n1', put(key, 'value', 3))
    const gone = ring.machine('n4')
    gone.crash(true)
    await down(ring, 'n4')
    const owned = (key: Key) => {
      const { preferenceList } = ring.machine('n1').node?.locate(key) ?? { preferenceList: [] }
      return preferenceList.filter(({ role }) => role === 'owner').map(({ id }) => id)
    }
    const before = new Map(keys.map((key) => [key, owned(key)]))
    await ring.ask('n1', remove('n4'))
    ring.cluster.part(gone, false)
    const fresh = keys.flatMap((key) =>
      owned(key).flatMap((id) => (before.get(key)?.includes(id) ? [] : [{ key, id }])),
    )
    expect(fresh.length).to.be.greaterThan(10)
    for (const { id } of fresh) expect(ring.machine(id).node?.status().health).to.equal('degraded')
    const answers = await ring.askAll(fresh.map(({ key, id }) => [id, get(key, 1)] as const))
    expect(answers.map(({ values }) => values.length)).to.deep.equal(fresh.map(() => 1))
    const lacking = fresh.filter(({ key, id }) => ring.machine(id).disk.look(key).record === undefined)
    expect(lacking.length, 'they are asked before they are filled').to.be.greaterThan(0)
    await whole(ring)
  })

  it('must be down, a member, and not needed; and nothing else may be amiss unless that is forced', async () => {
    const ring = await ringOf()
    expect(await refusal(ring, 'n1', 'n4')).to.equal('conflict')
    expect(await refusal(ring, 'n1', 'n4', true)).to.equal('conflict')
    expect(await refusal(ring, 'n1', 'n1')).to.equal('conflict')
    expect(await refusal(ring, 'n1', 'n9')).to.equal('not_found')
    ring.machine('n4').crash(false)
    ring.machine('n5').crash(false)
    await down(ring, 'n4')
    ring.cluster.part(ring.machine('n4'), false)
    await down(ring, 'n5')
    expect(await refusal(ring, 'n1', 'n4')).to.equal('conflict')
    expect(ring.machine('n1').node?.status().layoutVersion).to.equal(1)
    const { waitingFor } = await ring.ask('n1', remove('n4', true))
    expect(waitingFor).to.deep.equal(['n5'])
    // The members of the second layout decide the third: with n5 they are four.
    await ring.ask('n2', remove('n5', true))
    ring.cluster.part(ring.machine('n5'), false)
    ring.machine('n3').crash(false)
    await down(ring, 'n3')
    expect(await refusal(ring, 'n1', 'n3', true), 'three copies need three nodes').to.equal('conflict')
    await ring.start()
    expect(ring.machine('n3').node?.status().layoutVersion).to.equal(3)
  })

  it('has no part in the ring any more, nor its disk, though it never died', async () => {
    const ring = await ringOf()
    for (const key of keys) await ring.ask('n1', put(key, 'old', 3))
    const exile = ring.machine('n4')
    const rule = { kind: 'partition' as const, groups: [['n4']], oneWay: false }
    ring.world.network.rules.add({ id: 'exile', ...rule, untilMs: EPOCH_MS + 3_600_000 })
    await down(ring, 'n4')
    await ring.ask('n1', remove('n4'))
    ring.cluster.part(exile, false)
    for (const key of keys) await ring.ask('n2', del(key))
    await whole(ring)
    ring.world.network.rules.heal('exile')
    await ring.until('it to hear of its removal', () => exile.node?.healthy() === false)
    expect(exile.node?.failure()?.message).to.contain('n4 was removed from the ring')
    expect(exile.node?.readiness()).to.deep.include({ ready: false })
    exile.crash(false)
    await ring.pass(30_000)
    expect(await valuesOf(ring, 3)).to.deep.equal(keys.map(() => ''))
    exile.parted = true
    exile.start()
    await ring.until('it to refuse to start', () => !exile.up)
  })
})
