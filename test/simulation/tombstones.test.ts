import { expect } from 'chai'
import type { Node } from '../../server/node.ts'
import type { NodeSettings } from '../../server/node-settings.ts'
import { keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'

const key = keyFromText('greeting')
const MIN_AGE_MS = 20_000

describe('tombstones, in a ring', function () {
  this.timeout(300_000)

  async function ringOf(settings: Partial<NodeSettings> = {}, conflicts: 'lww' | 'siblings' = 'lww') {
    const ring = new CalmRing(conflicts, { tombstoneMinAgeMs: MIN_AGE_MS, repairEveryMs: 2_000, ...settings })
    await ring.start()
    const preference = ring.cluster.machines[0]?.node?.locate(key).preferenceList ?? []
    const owners = preference.filter(({ role }) => role === 'owner').map(({ id }) => id)
    const [first, second, third] = owners as [string, string, string]
    const [other] = preference.filter(({ role }) => role !== 'owner').map(({ id }) => id) as [string]
    return { ring, first, second, third, other }
  }

  const put = (value: string | null, ttlMs?: number) => (node: Node) =>
    node.coordinator.put(
      key,
      value === null ? null : Buffer.from(value),
      ttlMs === undefined ? {} : { ttlMs },
    )
  const read = async (ring: CalmRing, id: string, r: number) => {
    const { values } = await ring.ask(id, (node) => node.coordinator.get(key, { r }))
    return values.map(({ value }) => value.toString())
  }
  const held = (ring: CalmRing, ids: readonly string[]) =>
    ids.map((id) => ring.machine(id).disk.look(key).record !== undefined)

  it('go from all owners, but not before they are old enough', async () => {
    const { ring, first, second, third, other } = await ringOf()
    await ring.ask(first, put('hello'))
    await ring.ask(second, put(null))
    await ring.pass(MIN_AGE_MS - 2_000)
    expect(held(ring, [first, second, third])).to.deep.equal([true, true, true])
    await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
    await ring.pass(1_000)
    expect(held(ring, [first, second, third])).to.deep.equal([false, false, false])
    for (const id of [first, other]) expect(await read(ring, id, 3)).to.deep.equal([])
    // And the key is as good as new.
    await ring.ask(third, put('again'))
    for (const id of [first, other]) expect(await read(ring, id, 2)).to.deep.equal(['again'])
  })

  it('stay while any member is away, be it no owner: it may keep a hint', async () => {
    const { ring, first, other } = await ringOf()
    await ring.ask(first, put('hello'))
    ring.machine(other).crash(false)
    await ring.ask(first, put(null))
    await ring.pass(3 * MIN_AGE_MS)
    expect(held(ring, [first])).to.deep.equal([true])
    expect(ring.machine(first).node?.tombstones().waitingFor).to.equal(`${other} is out of reach`)
    await ring.start()
    await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
  })

  it('go with values that have expired', async () => {
    const { ring, first, second, third } = await ringOf()
    await ring.ask(first, put('for a while', 5_000))
    expect(ring.machine(first).node?.tombstones()).to.include({ tombstones: 0, expiring: 1 })
    await ring.until('the value to go', () => !held(ring, [first, second, third]).includes(true))
    expect(ring.machine(first).node?.tombstones()).to.include({ expiring: 0, collected: 1 })
  })

  it('are kept for ever where that is asked for', async () => {
    const { ring, first } = await ringOf({ tombstoneMinAgeMs: 0 })
    await ring.ask(first, put(null))
    await ring.pass(3 * MIN_AGE_MS)
    expect(held(ring, [first])).to.deep.equal([true])
  })

  for (const conflicts of ['lww', 'siblings'] as const) {
    it(`leave nothing that an older disk could bring back (${conflicts})`, async () => {
      const { ring, first, second, third, other } = await ringOf({ repairEveryMs: 600_000 }, conflicts)
      await ring.ask(first, put('hello'))
      await ring.pass(1_000)
      const { disk } = ring.machine(third)
      const before = disk.snapshot()
      await ring.ask(first, put(null))
      await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
      ring.machine(third).crash(true)
      disk.replace(before)
      await ring.wake()
      expect(held(ring, [first, second, third])).to.deep.equal([false, false, true])
      // Whoever asks an owner that knows better is told so, and the old copy goes with the reading.
      for (const id of [other, third, first]) expect(await read(ring, id, 3), id).to.deep.equal([])
      for (const id of [other, third, first]) expect(await read(ring, id, 2), id).to.deep.equal([])
    })

    it(`are told to an older disk by anti-entropy (${conflicts})`, async () => {
      const { ring, first, second, third } = await ringOf({}, conflicts)
      await ring.ask(first, put('hello'))
      await ring.pass(1_000)
      const { disk } = ring.machine(third)
      const before = disk.snapshot()
      await ring.ask(first, put(null))
      await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
      ring.machine(third).crash(true)
      disk.replace(before)
      await ring.start()
      const gone = () => held(ring, [first, second, third]).every((there) => !there)
      await ring.until('the old copy to go', gone)
      expect(await read(ring, third, 1)).to.deep.equal([])
    })
  }

  it('leave nothing that an older disk could bring back when all other disks have been replaced since', async () => {
    const { ring, first, second, third } = await ringOf()
    await ring.ask(first, put('hello'))
    await ring.pass(1_000)
    const { disk } = ring.machine(third)
    const before = disk.snapshot()
    await ring.ask(first, put(null))
    await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
    for (const id of [first, second]) {
      const machine = ring.machine(id)
      machine.crash(true)
      machine.disk.replace()
      await ring.start()
    }
    ring.machine(third).crash(true)
    disk.replace(before)
    await ring.start()
    await ring.pass(30_000)
    expect(held(ring, [first, second, third])).to.deep.equal([false, false, false])
    for (const id of [first, second, third])
      for (const r of [1, 2, 3]) expect(await read(ring, id, r)).to.deep.equal([])
  })

  it('may go although another node was replaced: what it held is brought back', async () => {
    const { ring, first, second, third } = await ringOf()
    const lasting = keyFromText('{greeting} that lasts')
    await ring.ask(first, (node) => node.coordinator.put(lasting, Buffer.from('here'), { w: 3 }))
    await ring.ask(first, put(null))
    await ring.until('the tombstone to go', () => ring.cluster.tombstones === 0)
    ring.machine(second).crash(true)
    ring.machine(second).disk.replace()
    await ring.start()
    const back = () => ring.machine(second).disk.look(lasting).record !== undefined
    await ring.until('the value to be back', back)
    expect(ring.machine(third).disk.look(lasting).record?.siblings[0]?.value?.toString()).to.equal('here')
  })
})
