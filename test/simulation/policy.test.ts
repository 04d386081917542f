import { expect } from 'chai'
import type { ConflictPolicy } from '../../server/causality/record.ts'
import type { Node } from '../../server/node.ts'
import { keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'
import { Prng } from './prng.ts'
import { EPOCH_MS } from './virtual-clock.ts'

const key = keyFromText('cart')
const IDS = ['n1', 'n2', 'n3', 'n4', 'n5']
const SEEDS = 12

const read =
  (r = 2) =>
  async (node: Node) =>
    (await node.coordinator.get(key, { r })).values.map(({ value }) => value.toString()).sort()
const put =
  (text: string, w = 2) =>
  (node: Node) =>
    node.coordinator.put(key, Buffer.from(text), { w })
const change = (policy: ConflictPolicy) => (node: Node) => node.changePolicy(policy)
const policyOf = (node: Node | undefined) => node?.status().conflicts
const versionOf = (node: Node | undefined) => node?.status().layoutVersion ?? 0

function ownersOf(ring: CalmRing): string[] {
  const preference = ring.cluster.machines[0]?.node?.locate(key).preferenceList ?? []
  return preference.filter(({ role }) => role === 'owner').map(({ id }) => id)
}

function cutOff(ring: CalmRing, ids: readonly string[], ms = 600_000): void {
  const { rules } = ring.world.network
  const untilMs = ring.world.loop.now / 1_000 + ms
  rules.add({
    id: `cut ${ids.join()}`,
    kind: 'partition',
    groups: [[...new Set(ids)]],
    untilMs: EPOCH_MS + untilMs,
  })
}

describe('the conflict policy of a ring in use', function () {
  this.timeout(300_000)

  it('changes in both directions, at once for everyone, and needs no data to be converted', async () => {
    const ring = new CalmRing('lww')
    await ring.start()
    const [first, second] = ownersOf(ring) as [string, string]
    await ring.askAll([
      [first, put('a')],
      [second, put('b')],
    ])
    expect(await ring.ask('n1', read())).to.have.length(1)
    const changed = await ring.ask('n2', change('siblings'))
    expect(changed).to.deep.equal({ conflicts: 'siblings', layoutVersion: 2, changed: true, waitingFor: [] })
    expect(ring.cluster.machines.map(({ node }) => policyOf(node))).to.deep.equal(Array(5).fill('siblings'))
    for (const text of ['c', 'd']) await ring.ask(first, put(text))
    expect(await ring.ask('n4', read())).to.include.members(['c', 'd'])
    await ring.ask('n5', change('lww'))
    expect(await ring.ask('n1', read())).to.deep.equal(['d'])
    // Nobody has written the key since: nothing is lost by the way there and back.
    await ring.ask('n3', change('siblings'))
    expect(await ring.ask('n1', read())).to.include.members(['c', 'd'])
    const again = await ring.ask('n3', change('siblings'))
    expect(again).to.include({ layoutVersion: 4, changed: false })
    for (const machine of ring.cluster.machines) machine.crash(true)
    await ring.start()
    expect(ring.cluster.machines.map(({ node }) => versionOf(node))).to.deep.equal(Array(5).fill(4))
  })

  it('is decided by a majority only, and those that were away take it over before anything else', async () => {
    const ring = new CalmRing('lww')
    await ring.start()
    const [first, second, third] = ownersOf(ring) as [string, string, string]
    const other = IDS.filter((id) => id !== third && id !== first)[0] as string
    ring.machine(first).crash(false)
    ring.machine(third).crash(false)
    ring.machine(other).crash(false)
    const left = IDS.find((id) => ![first, third, other].includes(id)) as string
    const refused = await ring.ask(left, change('siblings')).catch((error) => error.code)
    expect(refused).to.equal('no_quorum')
    for (const id of [first, other]) ring.machine(id).start()
    await ring.until('a majority', () => [first, other].every((id) => ring.machine(id).ready))
    const { waitingFor } = await ring.ask(first, change('siblings'))
    expect(waitingFor).to.deep.equal([third])
    for (const text of ['a', 'b']) await ring.ask(second, put(text))
    ring.machine(third).start()
    await ring.until('the last one', () => versionOf(ring.machine(third).node) === 2)
    await ring.start()
    await ring.ask(third, put('c'))
    expect(await ring.ask(third, read(3))).to.include.members(['a', 'b', 'c'])
  })

  it('is not decided with a member whose disk was put back without a trace, until two layouts were without it', async () => {
    const ring = new CalmRing('lww')
    await ring.start()
    const [away, down, back, ...others] = IDS as [string, string, string, string, string]
    const [asked] = others as [string, string]
    const { disk } = ring.machine(back)
    const before = disk.snapshot()
    await ring.askAll(IDS.map((id): [string, (node: Node) => Promise<unknown>] => [id, put(id)]))
    await ring.pass(12_000)
    ring.machine(back).crash(true)
    disk.putBack(before)
    ring.machine(back).start()
    await ring.until('it to be told so', () => ring.machine(back).node?.stats().get('disk_complete') === 0)
    await ring.start()
    for (const id of [away, down]) ring.machine(id).crash(false)
    const refused = (policy: ConflictPolicy) => ring.ask(asked, change(policy)).catch((error) => error.code)
    expect(await refused('siblings')).to.equal('no_quorum')
    // A doubt is told once: what came of it outlives the process.
    ring.machine(back).crash(false)
    ring.machine(back).start()
    await ring.until('it to be back', () => ring.machine(back).node?.placement() !== undefined)
    expect(await refused('siblings')).to.equal('no_quorum')
    await ring.start()
    await ring.until('it to have a say again', () => versionOf(ring.machine(back).node) === 3)
    for (const id of [away, down]) ring.machine(id).crash(false)
    expect(await ring.ask(asked, change('siblings'))).to.include({ layoutVersion: 4, changed: true })
  })

  it('can be changed after the disks of all nodes have been replaced, one after the other', async () => {
    const ring = new CalmRing('lww')
    await ring.start()
    await ring.ask('n1', put('hello'))
    for (const id of IDS) {
      const machine = ring.machine(id)
      machine.crash(true)
      machine.disk.replace()
      machine.start()
      const before = versionOf(ring.machine(IDS.find((other) => other !== id) as string).node)
      const renewed = () =>
        versionOf(machine.node) > before && machine.node?.stats().get('disk_complete') === 1
      await ring.until(`${id} to be filled and to have a say`, renewed)
      await ring.pass(12_000)
    }
    expect(await ring.ask('n1', change('siblings'))).to.include({ conflicts: 'siblings', changed: true })
    expect(await ring.ask('n2', read(3))).to.deep.equal(['hello'])
  })

  it('never drops a write that was made as one of several, though others have not heard of the change', async () => {
    const ring = new CalmRing('lww', { repairEveryMs: 500 })
    await ring.start()
    const [first, second, third] = ownersOf(ring) as [string, string, string]
    // The third owner hears nobody's heartbeats, so it goes by `lww` for longer; data still comes through.
    const deaf = ring.machine(third).node as unknown as { membership: { fetch: { consider(): void } } }
    const { fetch } = deaf.membership
    const consider = fetch.consider.bind(fetch)
    fetch.consider = () => undefined
    const { waitingFor } = await ring.ask(first, change('siblings'))
    expect(waitingFor).to.deep.equal([third])
    for (const text of ['a', 'b', 'c']) await ring.ask(first, put(text))
    await ring.pass(5_000)
    await ring.askAll([[third, (node) => put('by the old policy', 1)(node).catch(() => undefined)]])
    await ring.pass(5_000)
    expect(await ring.ask(second, read())).to.include.members(['a', 'b', 'c'])
    fetch.consider = consider
    await ring.start()
    expect(versionOf(ring.machine(third).node)).to.equal(2)
    expect(await ring.ask(third, read(3))).to.include.members(['a', 'b', 'c'])
  })

  it('is the same at each number whoever changes it, and no write since the last change is lost', async () => {
    let changes = 0
    for (let seed = 1; seed <= SEEDS; seed++) changes += await stormyChanges(seed)
    expect(changes).to.be.greaterThan(SEEDS)
  })

  /** @returns the number of the last layout. */
  async function stormyChanges(seed: number): Promise<number> {
    const ring = new CalmRing(seed % 2 === 0 ? 'lww' : 'siblings', { repairEveryMs: 1_000 })
    const prng = new Prng(seed, 'policy')
    await ring.start()
    const owners = ownersOf(ring)
    const seen = new Map<number, ConflictPolicy>()
    const acknowledged: { text: string; version: number }[] = []
    const look = (): void => {
      for (const { id, node } of ring.cluster.machines) {
        const [version, policy] = [versionOf(node), policyOf(node)]
        if (version === 0 || policy === undefined) continue
        expect(seen.get(version) ?? policy, `layout ${version} on ${id}, seed ${seed}`).to.equal(policy)
        seen.set(version, policy)
      }
    }
    const write = (): void => {
      const machine = ring.machine(prng.pick(owners))
      const version = versionOf(machine.node)
      const text = `${seed}-${acknowledged.length}-${prng.below(1e9)}`
      machine.request(put(text), (answer) => {
        if (answer.kind === 'answered') acknowledged.push({ text, version })
      })
    }
    for (let step = 0; step < 150; step++) {
      const machine = ring.machine(prng.pick(IDS))
      const roll = prng.below(100)
      if (roll < 8) cutOff(ring, prng.chance(0.5) ? [machine.id] : [machine.id, prng.pick(IDS)], 4_000)
      else if (roll < 12) machine.crash(prng.chance(0.5))
      else if (roll < 20) machine.start()
      else if (roll < 35 && machine.node !== undefined)
        machine.request(change(prng.chance(0.5) ? 'lww' : 'siblings'), () => undefined)
      else write()
      await ring.pass(prng.between(20, 400))
      look()
    }
    ring.world.network.rules.heal()
    await ring.start()
    await ring.ask('n1', change('siblings'))
    const last = versionOf(ring.machine('n1').node)
    await ring.until('all to go by it', () =>
      ring.cluster.machines.every(({ node }) => versionOf(node) === last),
    )
    for (const id of owners) await ring.ask(id, put(`last of ${id}`))
    look()
    const values = await ring.ask('n2', read(3))
    const since = acknowledged.filter(({ version }) => version === last).map(({ text }) => text)
    expect(values, `seed ${seed}`).to.include.members([...since, ...owners.map((id) => `last of ${id}`)])
    return last
  }
})
