import { expect } from 'chai'
import { CryptoRandom } from '../../../server/adapters/crypto-random.ts'
import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import { compareStamps, type Stamp } from '../../../server/causality/stamp.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { COUNTER_BLOCK, Minter, STAMP_AHEAD_MS } from '../../../server/replica/minter.ts'
import { ByteWriter } from '../../../shared/wire.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { ManualStorage, settle } from './manual-storage.ts'

class HandClock {
  wall = 1_000_000
  wallMs(): number {
    return this.wall
  }
  monotonicMs(): number {
    return this.wall
  }
  after() {
    return { cancel: () => undefined }
  }
}

/** A node's start on `storage`, as far as minting goes. */
async function start(storage: ManualStorage, clock: HandClock) {
  const hybrid = new HybridClock(clock, { maxSkewMs: 60_000 })
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e6 })
  const minter = new Minter({ storage, hybrid, commit, random: new CryptoRandom() }, { id: 'n1' })
  const recovered = minter.recover()
  await settle()
  expect(minter.mint('owner'), 'no dot before the block is durable').to.equal(undefined)
  await storage.land()
  await recovered
  return minter
}

async function close(minter: Minter, storage: ManualStorage): Promise<void> {
  const closed = minter.close()
  await settle()
  await storage.land()
  await closed
}

const mintAll = (minter: Minter, count: number) =>
  Array.from({ length: count }, () => {
    const minted = minter.mint('owner')
    if (minted === undefined) throw new Error('nothing to mint')
    return minted
  })

describe('Minter', () => {
  it('mints nothing from when the clock is trusted until the present is reserved', async () => {
    const storage = new ManualStorage()
    const clock = new HandClock()
    const hybrid = new HybridClock(clock, { maxSkewMs: 60_000 })
    let trusted = false
    hybrid.heed(() => trusted)
    const commit = new GroupCommit(
      { clock: readyClock, storage, trace: silentTrace },
      { maxQueuedBytes: 1e6 },
    )
    const minter = new Minter({ storage, hybrid, commit, random: new CryptoRandom() }, { id: 'n1' })
    const recovered = minter.recover()
    await storage.land()
    await recovered
    trusted = true
    expect(minter.timely).to.equal(false)
    expect(minter.mint('owner')).to.equal(undefined)
    await settle()
    await storage.land()
    expect(minter.timely).to.equal(true)
    expect(minter.mint('owner')?.stamp.wallMs).to.equal(clock.wall)
  })

  it('goes on as another actor, with higher counters, after an unclean stop', async () => {
    const storage = new ManualStorage()
    const clock = new HandClock()
    const before = mintAll(await start(storage, clock), 10).at(-1)
    const after = (await start(storage, clock)).mint('owner')
    expect(after?.dot.actor).to.not.equal(before?.dot.actor)
    expect(after?.dot.counter).to.be.greaterThan(before?.dot.counter as number)
  })

  it('goes on as another actor, without a gap, after a stop in good order too', async () => {
    const storage = new ManualStorage()
    const clock = new HandClock()
    const first = await start(storage, clock)
    const before = mintAll(first, 10).at(-1)
    await close(first, storage)
    const after = (await start(storage, clock)).mint('owner')
    expect(after?.dot.actor).to.not.equal(before?.dot.actor)
    expect(after?.dot.counter).to.equal((before?.dot.counter as number) + 1)
  })

  it('never mints a dot twice on a disk that was put back to an earlier stop in good order', async () => {
    const storage = new ManualStorage()
    const clock = new HandClock()
    await close(await start(storage, clock), storage)
    const snapshot = storage.copy()
    const dots = new Set<string>()
    for (const disk of [storage, snapshot.copy(), snapshot.copy()]) {
      const minter = await start(disk, clock)
      for (const role of ['owner', 'fallback'] as const) {
        for (let i = 0; i < 10; i++) {
          const dot = minter.mint(role)?.dot
          dots.add(`${dot?.actor}:${dot?.counter}`)
        }
      }
      await close(minter, disk)
    }
    expect(dots.size).to.equal(3 * 2 * 10)
  })

  it('goes on where an earlier version has stopped', async () => {
    const storage = new ManualStorage()
    const writer = new ByteWriter().u8(1).text('i1').u53(7).u53(500_000).u53(2_000_000).flag(true)
    const written = storage.commit([{ type: 'put', key: Buffer.from('mactor'), value: writer.finish() }])
    await storage.land()
    await written
    const minted = (await start(storage, new HandClock())).mint('owner')
    expect(minted?.dot.counter).to.equal(500_000)
    expect(minted?.stamp.wallMs).to.be.at.least(2_000_000)
  })

  it('stamps above all it stamped before, though the clock stepped back over the restart', async () => {
    const storage = new ManualStorage()
    const clock = new HandClock()
    const first = await start(storage, clock)
    clock.wall += STAMP_AHEAD_MS / 2 - 1
    const before = mintAll(first, 3).at(-1)?.stamp as Stamp
    clock.wall -= 3_600_000
    const after = (await start(storage, clock)).mint('owner')?.stamp as Stamp
    expect(compareStamps(after, before)).to.be.greaterThan(0)
  })

  it('never runs out of its durable block', async () => {
    const storage = new ManualStorage()
    const minter = await start(storage, new HandClock())
    let given = 0
    while (minter.mint('owner') !== undefined) given++
    expect(given).to.equal(COUNTER_BLOCK)
    expect(storage.flights, 'the next block is asked for after this turn').to.have.length(0)
    await settle()
    await storage.land()
    expect(minter.mint('owner')).to.not.equal(undefined)
  })

  it('changes the actor of fallbacks when a hint has left, and that of owners when a record was lost', async () => {
    const minter = await start(new ManualStorage(), new HandClock())
    const actor = (role: 'owner' | 'fallback') => minter.mint(role)?.dot.actor
    const owner = actor('owner')
    const fallback = actor('fallback')
    expect(fallback).to.not.equal(owner)
    expect(actor('fallback')).to.equal(fallback)
    minter.forgetHint()
    expect(actor('owner')).to.equal(owner)
    expect(actor('fallback')).to.not.equal(fallback)
    minter.forgetRecord()
    expect(actor('owner')).to.not.equal(owner)
  })
})
