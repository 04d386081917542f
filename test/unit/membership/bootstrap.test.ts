import { expect } from 'chai'
import { decodeLayout, layoutDigest } from '../../../server/membership/layout.ts'
import { type VirtualNode, VirtualRing } from './virtual-ring.ts'

const SEEDS = 40

/** Every first layout that any disk ever held. */
class Founded {
  readonly digests = new Map<string, readonly string[]>()

  look(nodes: readonly VirtualNode[]): void {
    for (const { disk } of nodes) {
      const bytes = disk.get(Buffer.from('mlayout'))
      if (bytes === undefined) continue
      const layout = decodeLayout(bytes)
      this.digests.set(
        layoutDigest(layout),
        layout.members.map(({ id }) => id),
      )
    }
  }
}

/** Some pairs of nodes are cut off from each other, and the rest have a bad network. */
function disturb(ring: VirtualRing): void {
  const { prng } = ring
  ring.heal()
  for (const from of ring.nodes) {
    for (const to of ring.nodes) {
      if (from.id < to.id && prng.chance(0.45))
        ring.fault({ kind: 'partition', groups: [[from.id], [to.id]] })
      const fate = { loss: prng.real() * 0.3, duplicate: 0.2, reorder: 0.2, jitterMs: 20 }
      if (from !== to) ring.fault({ kind: 'link', from: from.id, to: to.id, ...fate })
    }
  }
}

/** Nodes that see only some of the others, crash at any moment, above all while they propose, and come back. */
async function founding(seed: number): Promise<Founded> {
  const ring = new VirtualRing(seed)
  ring.commitMs = 150
  const { prng } = ring
  const founded = new Founded()
  const count = prng.between(4, 6)
  const bootstrapExpect = Math.floor(count / 2) + 1
  for (let index = 1; index <= count; index++) ring.add(`n${index}`, { bootstrapExpect })
  disturb(ring)
  for (const node of ring.nodes) node.boot()
  for (let step = 0; step < 80 && !(isWhole(ring) && prng.chance(0.2)); step++) {
    if (prng.chance(0.2)) disturb(ring)
    await ring.pass(prng.between(20, 400))
    founded.look(ring.nodes)
    const busy = ring.nodes.filter(({ up, traced }) => up && traced.at(-1)?.event.startsWith('bootstrap.'))
    if (busy.length === 0 || prng.chance(0.6)) continue
    const victim = prng.pick(busy)
    victim.crash()
    founded.look(ring.nodes)
    ring.loop.after(prng.below(3_000_000), () => victim.up || victim.boot())
  }
  ring.heal()
  await ring.pass(3000)
  await ring.until(() => isWhole(ring), 120_000)
  founded.look(ring.nodes)
  return founded
}

/** There is a layout, and all its members have it. */
function isWhole({ nodes }: VirtualRing): boolean {
  const layout = nodes.find((node) => node.layout !== undefined)?.layout
  const members = new Set(layout?.members.map(({ id }) => id))
  return members.size > 0 && nodes.every((node) => node.layout !== undefined || !members.has(node.id))
}

describe('founding a ring', () => {
  it(`makes exactly one first layout, under partitions, loss and crashes (${SEEDS} seeds)`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const founded = await founding(seed)
      expect([...founded.digests.values()], `seed ${seed}`).to.have.length(1)
    }
  }).timeout(120_000)

  it('goes on with the same proposal when the proposer is back', async () => {
    const ring = new VirtualRing(1)
    const [n1, n2, n3] = ring.boot(3) as [VirtualNode, VirtualNode, VirtualNode]
    await ring.until(() => n1.events('bootstrap.proposed').length > 0)
    const proposed = n1.events('bootstrap.proposed')[0]?.fields.ring
    n1.crash()
    await ring.pass(3000)
    expect([n2.layout, n3.layout]).to.deep.equal([undefined, undefined])
    n1.boot()
    await ring.until(() => [n1, n2, n3].every((node) => node.layout !== undefined))
    expect(n1.layout?.ringId).to.equal(proposed)
  })

  it('withdraws a proposal whose member is gone, and founds the ring with who is there', async () => {
    const ring = new VirtualRing(2)
    for (const id of ['n1', 'n2', 'n3', 'n4']) ring.add(id, { bootstrapExpect: 3 })
    const [n1, n2, n3, n4] = ring.nodes as [VirtualNode, VirtualNode, VirtualNode, VirtualNode]
    for (const node of [n1, n2, n3]) node.boot()
    await ring.until(() => n1.events('bootstrap.proposed').length > 0)
    n3.crash()
    if (n1.layout !== undefined) throw new Error('the ring was founded before the crash: choose another seed')
    n4.boot()
    await ring.until(() => [n1, n2, n4].every((node) => node.layout !== undefined))
    expect(n1.events('bootstrap.withdrawn')).to.have.length(1)
    expect(n2.events('bootstrap.released')).to.have.length(1)
    n3.boot()
    await ring.pass(5000)
    expect(n3.layout).to.equal(undefined)
  })

  it('two founders that share members end in one ring', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const ring = new VirtualRing(seed)
      for (const id of ['a', 'b', 'c', 'd']) ring.add(id, { bootstrapExpect: 3 })
      // a and b do not know of each other, and compete for c and d.
      ring.fault({ kind: 'partition', groups: [['a'], ['b']] })
      for (const node of ring.nodes) node.boot()
      await ring.until(() => ring.nodes.filter((node) => node.layout !== undefined).length >= 3)
      await ring.pass(10_000)
      const rings = new Set(ring.nodes.flatMap(({ layout }) => (layout === undefined ? [] : [layout.ringId])))
      expect(rings.size, `seed ${seed}`).to.equal(1)
    }
  }).timeout(60_000)

  it('takes no part when its disk fails, and says so once', async () => {
    const ring = new VirtualRing(3)
    const nodes = ring.boot(3)
    const [, n2] = nodes as [VirtualNode, VirtualNode]
    n2.disk.full = true
    await ring.pass(10_000)
    expect(nodes.map((node) => node.layout)).to.deep.equal([undefined, undefined, undefined])
    expect(n2.events('bootstrap.not_stored')).to.have.length(1)
  })
})
