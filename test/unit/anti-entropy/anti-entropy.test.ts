import { expect } from 'chai'
import { NO_FLOOR } from '../../../server/causality/floor.ts'
import { decodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { type Key, keyFromText } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { digestFault } from '../../simulation/digest-fault.ts'
import { encodedOf } from '../records.ts'
import { TwoOwners } from './two-owners.ts'

const key = (i: number): Key => keyFromText(`key-${i}`)
const hot = (i: number): Key => keyFromText(`{hot}-${i}`)

async function fill(owners: TwoOwners, count: number, name: (i: number) => Key = key): Promise<void> {
  const writes: Promise<void>[] = []
  for (let i = 0; i < count; i++) {
    const bytes = encodedOf(name(i), 'x', i + 1)
    writes.push(owners.a.store(name(i), bytes), owners.b.store(name(i), bytes))
  }
  await owners.settled(Promise.all(writes))
}

describe('AntiEntropy', () => {
  it('finds in one message that nothing differs', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 200)
    await owners.compare()
    owners.network.calls.length = 0
    owners.network.bytes = 0
    await owners.compare()
    expect(owners.network.calls).to.deep.equal(['tree'])
    expect(owners.network.bytes).to.be.lessThan(150)
  })

  it('mends a missing, a newer and a concurrent record on either side', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 500)
    const { a, b } = owners
    await owners.settled(a.store(key(1000), encodedOf(key(1000), 'x', 2000)))
    await owners.settled(b.store(key(1001), encodedOf(key(1001), 'x', 2001)))
    await owners.settled(a.store(key(7), encodedOf(key(7), 'y', 1)))
    await owners.settled(b.store(key(7), encodedOf(key(7), 'z', 1)))
    await owners.compare()
    for (const changed of [key(1000), key(1001), key(7)]) {
      const [here, there] = [owners.disks.a, owners.disks.b].map((disk) => disk.get(dataAddress(changed)))
      expect(here?.toString('hex')).to.equal(there?.toString('hex'))
    }
    const merged = decodeRecord(key(7), owners.disks.b.get(dataAddress(key(7))) as Buffer)
    expect(merged.siblings.map(({ dot }) => dot.actor)).to.deep.equal(['x', 'y', 'z'])
    const { peers, divergentSlots } = a.repair.repairStatus()
    expect(peers[0]).to.include({
      id: 'b',
      slotsDiffering: 3,
      slotsOutstanding: 0,
      keysRepaired: 3,
      error: '',
    })
    expect(divergentSlots).to.equal(0)
  })

  it('makes an emptied disk whole again', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 600)
    owners.b.repair.stop()
    owners.disks.b = new (owners.disks.b.constructor as new () => typeof owners.disks.b)()
    owners.crash('b')
    await owners.settled(owners.b.repair.recover())
    owners.b.repair.start()
    await owners.compare()
    for (let i = 0; i < 600; i++)
      expect(owners.disks.b.get(dataAddress(key(i))), `key ${i}`).to.be.instanceOf(Buffer)
    expect(await digestFault(owners.disks.b)).to.equal(undefined)
  })

  it('lists only the buckets that differ of a slot with many keys', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 4000, hot)
    for (let i = 0; i < 5; i++)
      await owners.settled(owners.a.store(hot(i * 700), encodedOf(hot(i * 700), 'y', i + 1)))
    owners.network.bytes = 0
    await owners.compare()
    expect(owners.a.repair.repairStatus().peers[0]?.keysRepaired).to.equal(5)
    expect(owners.network.bytes).to.be.lessThan(20_000)
    expect(owners.a.digests.leaves.sums.same(slotOf(hot(0)), owners.b.digests.leaves.sums)).to.equal(true)
  }).timeout(20_000)

  it('does nothing while it is paused, and goes on where it was', async () => {
    const owners = new TwoOwners({ repairRecordsPerSecond: 100 })
    await owners.start()
    const { a, b } = owners
    await owners.compare()
    await owners.settled(
      Promise.all(Array.from({ length: 500 }, (_, i) => b.store(key(i), encodedOf(key(i), 'x', i + 1)))),
    )
    b.repair.pause()
    a.repair.compareNow()
    const repaired = () => a.repair.repairStatus().peers[0]?.keysRepaired ?? 0
    await owners.until('a hundred keys to be mended', () => repaired() >= 100)
    expect(a.repair.repairStatus().state).to.equal('running')
    expect(a.repair.divergentSlots).to.be.greaterThan(0)
    a.repair.pause()
    await owners.until(
      'a moment to pass',
      (
        (end) => () =>
          owners.nowMs > end
      )(owners.nowMs + 1_000),
    )
    const paused = repaired()
    await owners.until(
      'a minute to pass',
      (
        (end) => () =>
          owners.nowMs > end
      )(owners.nowMs + 60_000),
    )
    expect(repaired()).to.equal(paused)
    expect(a.repair.repairStatus().state).to.equal('paused')
    a.repair.resume()
    await owners.until('the rest to be mended', () => repaired() === 500)
  })

  it('mends no more records in a second than it may', async () => {
    const owners = new TwoOwners({ repairRecordsPerSecond: 50 })
    await owners.start()
    const { b } = owners
    await owners.settled(
      Promise.all(Array.from({ length: 300 }, (_, i) => b.store(key(i), encodedOf(key(i), 'x', i + 1)))),
    )
    b.repair.pause()
    const beganMs = owners.nowMs
    await owners.compare()
    expect(owners.nowMs - beganMs).to.be.within(5_900, 40_000)
  })

  it('keeps count of what it could not mend, says why, and mends it the next time', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 100)
    await owners.settled(owners.a.store(key(500), encodedOf(key(500), 'x', 900)))
    owners.network.fails = (_to, method) => method === 'store'
    await owners.compare()
    expect(owners.a.repair.divergentSlots).to.equal(1)
    owners.network.fails = (_to, method) => method === 'tree'
    owners.a.repair.compareNow()
    await owners.until('the failure to show', () => owners.a.repair.repairStatus().peers[0]?.error !== '')
    expect(owners.a.repair.repairStatus().peers[0]?.error).to.match(/b does not answer tree/)
    owners.network.fails = () => false
    await owners.compare()
    expect(owners.a.repair.divergentSlots).to.equal(0)
    expect(owners.disks.b.get(dataAddress(key(500)))).to.be.instanceOf(Buffer)
  })

  it('says that all that a peer holds is here only where nothing is left, and no hints wait for the peer', async () => {
    const owners = new TwoOwners()
    await owners.start()
    await fill(owners, 20)
    const { a, b } = owners
    const holdsAll = async () => {
      a.compared.length = 0
      await owners.compare()
      return a.compared.includes('b')
    }
    expect(await holdsAll()).to.equal(true)
    a.hintHolders.set('b', ['c'])
    expect(await holdsAll(), 'b may lack what is in the hint').to.equal(false)
    a.hintHolders.clear()
    await owners.settled(b.store(key(500), encodedOf(key(500), 'x', 900)))
    owners.network.fails = (_to, method) => method === 'fetch'
    expect(await holdsAll(), 'a key of b could not be fetched').to.equal(false)
    expect(a.repair.divergentSlots).to.equal(1)
    owners.network.fails = () => false
    expect(await holdsAll()).to.equal(true)
  })

  it('takes over the floor of a peer when it has all that the peer holds, and not before', async () => {
    const owners = new TwoOwners()
    await owners.start()
    const { a, b } = owners
    b.repair.pause()
    const slot = slotOf(key(1))
    const floor = { ...NO_FLOOR, vector: new Map([['x', 10]]) }
    await owners.settled(b.store(key(1), encodedOf(key(1), 'x', 9)))
    b.floors.raise(slot, floor)
    owners.network.fails = (_to, method) => method === 'fetch'
    await owners.compare()
    // With the floor and without the value, the value would count as deleted.
    expect([...a.floors.slots()]).to.deep.equal([])
    owners.network.fails = () => false
    await owners.compare()
    expect(a.floors.of(slot)).to.deep.equal(floor)
    for (const disk of [owners.disks.a, owners.disks.b])
      expect(disk.get(dataAddress(key(1)))).to.be.instanceOf(Buffer)
  })

  it('takes over the floor of a peer that holds the same, without a look at any record', async () => {
    const owners = new TwoOwners()
    await owners.start()
    const { a, b } = owners
    b.repair.pause()
    const slot = slotOf(key(1))
    const empty = slot === 0 ? 1 : 0
    const floor = { ...NO_FLOOR, vector: new Map([['x', 10]]) }
    for (const owner of [a, b]) await owners.settled(owner.store(key(1), encodedOf(key(1), 'x', 9)))
    for (const at of [slot, empty]) b.floors.raise(at, floor)
    owners.network.fails = (_to, method) => ['keys', 'fetch', 'store'].includes(method)
    await owners.compare()
    for (const at of [slot, empty]) expect(a.floors.of(at)).to.deep.equal(floor)
    // b has nothing to learn from a, nor a from b any more.
    for (const owner of [a, b]) expect(owner.repair.divergentSlots).to.equal(0)
    b.floors.forget(slot)
    await owners.compare()
    expect(a.floors.of(slot)).to.deep.equal(floor)
    expect(a.repair.divergentSlots).to.equal(0)
  })

  it('takes over no floor of a slot that has lost something meanwhile', async () => {
    const owners = new TwoOwners()
    await owners.start()
    const { a, b } = owners
    b.repair.pause()
    const slot = slotOf(key(1))
    await owners.settled(b.store(key(1), encodedOf(key(1), 'x', 9)))
    b.floors.raise(slot, { ...NO_FLOOR, vector: new Map([['x', 10]]) })
    let forgets = 1
    owners.network.fails = (_to, method) => {
      if (method === 'fetch' && forgets-- > 0) a.floors.forget(slot)
      return false
    }
    a.repair.compareNow()
    await owners.until('the loss', () => forgets === 0)
    await owners.until('the end of the exchange', () => a.repair.repairStatus().state === 'idle')
    expect([a.floors.digest(slot), a.repair.divergentSlots]).to.deep.equal([0, 1])
    await owners.until('the floor', () => a.floors.digest(slot) === b.floors.digest(slot))
  })

  it('brings to a peer what that has missed, also when it has promised to take no such write any more', async () => {
    const owners = new TwoOwners()
    await owners.start()
    const { a, b } = owners
    b.repair.pause()
    await owners.settled(a.store(key(1), encodedOf(key(1), 'x', 9)))
    b.floors.promise(slotOf(key(1)), { round: 'r', vector: new Map([['x', 10]]) })
    await owners.compare()
    expect(owners.disks.b.get(dataAddress(key(1)))).to.be.instanceOf(Buffer)
  })
})
