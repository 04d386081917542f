import { expect } from 'chai'
import type { Node } from '../../server/node.ts'
import type { NodeSettings } from '../../server/node-settings.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { CalmRing } from './calm-ring.ts'
import { EPOCH_MS } from './virtual-clock.ts'

const key = keyFromText('greeting')
const get = (node: Node) => node.coordinator.get(key, { r: 1 })

describe('hints, in a ring', function () {
  this.timeout(300_000)

  /** A ring whose owner `away` of the key is down, and which has been written to since. */
  async function withHint(settings: Partial<NodeSettings>, keys: readonly Key[] = [key]) {
    const ring = new CalmRing('lww', settings)
    await ring.start()
    const nodes = (role: string) =>
      (ring.cluster.machines[0]?.node?.locate(key).preferenceList ?? [])
        .filter((place) => place.role === role)
        .map(({ id }) => id)
    const owners = nodes('owner')
    const [first, second, away] = owners as [string, string, string]
    ring.machine(away).crash(false)
    await ring.until('the loss to be noticed', () => ring.machine(first).node?.status().health !== 'ok')
    for (const written of keys)
      await ring.ask(first, (node) => node.coordinator.put(written, Buffer.from('hello'), {}))
    return { ring, first, second, away, fallbacks: nodes('fallback') }
  }

  const statOf = (ring: CalmRing, id: string, name: string) => ring.machine(id).node?.stats().get(name) ?? 0
  const marksOf = (ring: CalmRing, ids: readonly string[]) =>
    ids.reduce((sum, id) => sum + statOf(ring, id, 'repair_marks'), 0)

  it('are given up when they are too old, once the other owners have them, and leave a mark with an owner', async () => {
    const { ring, first, second, away, fallbacks } = await withHint({ maxHintAgeMs: 5_000 })
    expect(ring.cluster.hintsHeld).to.equal(1)
    await ring.pass(3_000)
    expect([ring.cluster.hintsHeld, marksOf(ring, [first, second, ...fallbacks])]).to.deep.equal([1, 0])
    await ring.until('the hint to be given up', () => ring.cluster.hintsHeld === 0)
    await ring.until('an owner to have the mark', () => marksOf(ring, fallbacks) === 0)
    expect(marksOf(ring, [first, second])).to.equal(1)
    expect(fallbacks.reduce((sum, id) => sum + statOf(ring, id, 'hints_expired_total'), 0)).to.equal(1)
    for (const id of [first, second]) {
      expect(ring.machine(id).disk.look(key).record?.siblings[0]?.value?.toString()).to.equal('hello')
    }
    // The mark outlasts the process that has it.
    const marked = statOf(ring, first, 'repair_marks') > 0 ? first : second
    ring.machine(marked).crash(true)
    await ring.start()
    expect(statOf(ring, marked, 'repair_marks')).to.equal(1)
    expect(ring.machine(away).disk.look(key).record).to.equal(undefined)
  })

  it('stay, however old, while another owner is out of reach: they may be the last copy', async () => {
    const { ring, first, second, away } = await withHint({ maxHintAgeMs: 5_000 })
    ring.machine(second).crash(false)
    await ring.pass(60_000)
    expect(ring.cluster.hintsHeld).to.equal(1)
    ring.machine(first).crash(false)
    ring.machine(away).start()
    await ring.until('the hint to be delivered', () => ring.cluster.hintsHeld === 0)
    const { values } = await ring.ask(away, get)
    expect(values.map(({ value }) => value.toString())).to.deep.equal(['hello'])
  })

  it('are refused where there is no room, and the slot is marked at once', async () => {
    const { ring, first, second, fallbacks } = await withHint({ maxHintBytes: 0 })
    await ring.until('an owner to have the mark', () => marksOf(ring, fallbacks) === 0)
    expect(ring.cluster.hintsHeld).to.equal(0)
    expect(marksOf(ring, [first, second])).to.be.at.least(1)
    const everyone = [first, second, ...fallbacks]
    expect(everyone.reduce((sum, id) => sum + statOf(ring, id, 'hints_refused_total'), 0)).to.be.at.least(1)
    expect(slotOf(key)).to.equal(12_714)
  })

  it('are sent at once when that is asked for, and are told of', async () => {
    const { ring, first, away } = await withHint({})
    const holder = ring.cluster.machines.find(({ node }) => (node?.hints().hints.length ?? 0) > 0)
    if (holder === undefined) throw new Error('nobody has a hint')
    const replay = (target?: string) => ring.ask(holder.id, async (node) => node.replayHints(target))
    expect((await replay()).hints).to.deep.equal([
      { holder: holder.id, target: away, count: 1, sending: false },
    ])
    expect((await replay(first)).hints).to.deep.equal([])
    await ring.start()
    await replay(away)
    await ring.until('the hint to be delivered', () => ring.cluster.hintsHeld === 0)
    expect(ring.machine(away).disk.look(key).record?.siblings).to.have.length(1)
  })

  it('may be known to nobody whom a read asks, and the read says so: also after a pause of the node that reads', async () => {
    const ring = new CalmRing('lww')
    await ring.start()
    const places = ring.machine('n1').node?.locate(key).preferenceList ?? []
    const [paused, other, far, helper] = places.map(({ id }) => id) as [string, string, string, string]
    await ring.ask(far, (node) => node.coordinator.put(key, Buffer.from('old'), { w: 3 }))
    ring.machine(paused).pause()
    // What the others say of themselves meanwhile waits for it.
    await ring.pass(1_000)
    ring.world.network.rules.add({
      id: 'cut',
      kind: 'partition',
      groups: [[far, helper]],
      untilMs: EPOCH_MS + ring.world.loop.now / 1_000 + 600_000,
    })
    const seenBy = (id: string) => ring.machine(id).node?.status().nodes ?? []
    const alone = [paused, other]
    await ring.until('the far side to be alone', () =>
      seenBy(far).every(({ id, state }) => !alone.includes(id) || state === 'down'),
    )
    const put = await ring.ask(far, (node) => node.coordinator.put(key, Buffer.from('new'), { w: 2 }))
    expect(put.sloppy).to.equal(true)
    ring.machine(paused).resume()
    const { values, sloppy } = await ring.ask(paused, (node) => node.coordinator.get(key, { r: 2 }))
    expect(values.map(({ value }) => value.toString())).to.deep.equal(['old'])
    expect(sloppy).to.equal(true)
  })
})
