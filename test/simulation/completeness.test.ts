import { expect } from 'chai'
import type { Node } from '../../server/node.ts'
import type { NodeSettings } from '../../server/node-settings.ts'
import { keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'

const key = keyFromText('greeting')

describe('an owner whose disk has lost what it held', function () {
  this.timeout(300_000)

  async function ringOf(settings: Partial<NodeSettings> = {}) {
    const ring = new CalmRing('lww', { repairEveryMs: 600_000, maxHintBytes: 0, ...settings })
    await ring.start()
    const preference = ring.cluster.machines[0]?.node?.locate(key).preferenceList ?? []
    const owners = preference.filter(({ role }) => role === 'owner').map(({ id }) => id)
    const [other] = preference.filter(({ role }) => role !== 'owner').map(({ id }) => id)
    return { ring, owners, other: other as string }
  }

  const put = (w: number) => (node: Node) => node.coordinator.put(key, Buffer.from('hello'), { w })
  const read = (r: number) => (node: Node) => node.coordinator.get(key, { r })
  const complete = (ring: CalmRing, id: string) => ring.machine(id).node?.stats().get('disk_complete')

  function wipe(ring: CalmRing, id: string): void {
    ring.machine(id).crash(true)
    ring.machine(id).disk.replace()
  }

  async function snapshotBeforeWrites(ring: CalmRing, id: string) {
    await ring.pass(2_000)
    const before = ring.machine(id).disk.snapshot()
    for (let i = 0; i < 5; i++) await ring.ask(id, put(3))
    return before
  }

  it('is nobody in a new ring, nor after a crash', async () => {
    const { ring } = await ringOf()
    const all = () => ring.cluster.machines.map(({ id }) => complete(ring, id))
    expect(all()).to.deep.equal([1, 1, 1, 1, 1])
    for (const machine of ring.cluster.machines) machine.crash(true)
    await ring.start()
    expect(all()).to.deep.equal([1, 1, 1, 1, 1])
  })

  it('counts in no read until it has been compared with all the others', async () => {
    const { ring, owners, other } = await ringOf()
    const [first, second, third] = owners as [string, string, string]
    // Acknowledged by two of three owners; then one of them forgets it, and the other one is away.
    ring.machine(third).crash(false)
    await ring.ask(first, put(2))
    ring.machine(third).start()
    await ring.until('the third owner', () => ring.machine(third).ready)
    ring.machine(second).crash(false)
    wipe(ring, first)
    ring.machine(first).start()
    const lack = () => ring.machine(first).node?.readiness().reason ?? ''
    await ring.until('the emptied one', () => lack().includes('has to be filled'))
    await ring.pass(10_000)
    expect(complete(ring, first)).to.equal(0)
    const refused = (request: Promise<unknown>) => request.catch((error) => error.code)
    expect(await refused(ring.ask(other, read(2)))).to.equal('no_quorum')
    expect(await refused(ring.ask(first, read(2)))).to.equal('no_quorum')
    const page = { prefix: '', limit: 10, values: true }
    expect(await refused(ring.ask(other, (node) => node.coordinator.scan(page)))).to.equal('no_quorum')
    const report = await ring.ask(other, (node) => node.keys.explain(key))
    expect(report.nodes.find(({ id }) => id === first)?.problem).to.contain('reads do not count it')

    ring.machine(second).start()
    await ring.until('the emptied one to be filled', () => complete(ring, first) === 1)
    for (const id of [first, third, other]) {
      const { values, sloppy } = await ring.ask(id, read(2))
      expect([values.map(({ value }) => value.toString()), sloppy]).to.deep.equal([['hello'], false])
    }
    ring.machine(first).crash(true)
    await ring.start()
    expect(complete(ring, first), 'its disk says so').to.equal(1)
  })

  it('is filled also where two of them are, and none compares by itself', async () => {
    const { ring, owners, other } = await ringOf({ repairEveryMs: 0 })
    const [first, second, third] = owners as [string, string, string]
    await ring.ask(first, put(3))
    wipe(ring, first)
    wipe(ring, second)
    await ring.start()
    await ring.until('both to be filled', () => complete(ring, first) === 1 && complete(ring, second) === 1)
    ring.machine(third).crash(false)
    const { values } = await ring.ask(other, read(2))
    expect(values.map(({ value }) => value.toString())).to.deep.equal(['hello'])
  })

  it('is told by its peers where it was put back to a snapshot without a trace', async () => {
    const { ring, owners } = await ringOf()
    const [first] = owners as [string]
    const { disk } = ring.machine(first)
    const before = await snapshotBeforeWrites(ring, first)
    await ring.pass(2_000)
    ring.machine(first).crash(true)
    disk.putBack(before)
    ring.machine(first).start()
    await ring.until('it to have its layout', () => ring.machine(first).node?.placement() !== undefined)
    expect(complete(ring, first), 'it cannot know').to.equal(1)
    await ring.until('its peers to doubt it', () => complete(ring, first) === 0)
    await ring.until('it to be filled', () => complete(ring, first) === 1)
    expect(disk.look(key).record).to.not.equal(undefined)
    await ring.pass(5_000)
    expect(complete(ring, first), 'the doubt is over').to.equal(1)
  })

  it('is told so also when all of the ring was down meanwhile', async () => {
    const { ring, owners } = await ringOf()
    const [first] = owners as [string]
    const { disk } = ring.machine(first)
    const before = await snapshotBeforeWrites(ring, first)
    // What peers remember is written every ten seconds.
    await ring.pass(12_000)
    for (const machine of ring.cluster.machines) machine.crash(true)
    disk.putBack(before)
    ring.cluster.startAll()
    const formed = () => ring.machine(first).node?.placement() !== undefined
    await ring.until('its peers to doubt it', () => formed() && complete(ring, first) === 0)
    await ring.until('it to be filled', () => complete(ring, first) === 1)
    expect(disk.look(key).record).to.not.equal(undefined)
  })

  it('is one that was put back to a snapshot', async () => {
    const { ring, owners } = await ringOf()
    const [first] = owners as [string]
    const { disk } = ring.machine(first)
    const snapshot = disk.snapshot()
    await ring.ask(first, put(3))
    ring.machine(first).crash(true)
    disk.replace(snapshot)
    ring.machine(first).start()
    await ring.until('it to have its layout', () => ring.machine(first).node?.placement() !== undefined)
    expect(complete(ring, first)).to.equal(0)
    await ring.until('it to be filled', () => complete(ring, first) === 1)
    expect(disk.look(key).record).to.not.equal(undefined)
  })
})
