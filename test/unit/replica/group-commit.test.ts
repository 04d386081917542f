import { expect } from 'chai'
import type { Clock } from '../../../server/ports/clock.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { KvError } from '../../../shared/errors.ts'
import { ManualClock } from '../manual-clock.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { ManualStorage, settle } from './manual-storage.ts'

const put = (key: string) => ({ type: 'put' as const, key: Buffer.from(key), value: Buffer.from('v') })

function setUp(maxQueuedBytes = 1000, clock: Clock = readyClock) {
  const storage = new ManualStorage()
  return { storage, commit: new GroupCommit({ clock, storage, trace: silentTrace }, { maxQueuedBytes }) }
}

describe('GroupCommit', () => {
  it('acknowledges nothing before its batch has resolved', async () => {
    const { storage, commit } = setUp()
    const done: string[] = []
    commit.add(put('a'), () => done.push('a'))
    commit.add(put('b'), () => done.push('b'))
    await settle()
    expect(done).to.deep.equal([])
    await storage.land()
    expect(done).to.deep.equal(['a', 'b'])
  })

  it('counts the batches that the disk has taken in all its life, once they are durable', async () => {
    const { storage, commit } = setUp()
    expect(commit.lifetime).to.equal(0)
    commit.add(put('a'))
    await settle()
    expect(commit.lifetime).to.equal(0)
    await storage.land()
    expect(commit.lifetime).to.equal(1)
    expect([commit.reach(1), commit.reach(9)]).to.deep.equal([false, true])
    commit.add(put('b'))
    await settle()
    await storage.land()
    expect(commit.lifetime).to.equal(10)
    const open = () =>
      new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1000 })
    expect(open().lifetime).to.equal(10)
    // Also where nobody asks before the first batch.
    const next = open()
    next.add(put('c'))
    await settle()
    await storage.land()
    expect(next.lifetime).to.equal(11)
  })

  it('gathers what comes while a batch is under way into the next one', async () => {
    const { storage, commit } = setUp()
    commit.add(put('a'))
    await settle()
    for (const key of ['b', 'c', 'd']) commit.add(put(key))
    await settle()
    expect(storage.flights).to.have.length(1)
    const gathered = async () => (await storage.land()).map(({ key }) => key.toString())
    expect(await gathered()).to.deep.equal(['a', 'mcommits'])
    expect(await gathered()).to.deep.equal(['b', 'c', 'd', 'mcommits'])
    expect(commit.commits).to.equal(2)
  })

  it('gathers as long as every turn of the event loop brings more, and then no longer', async () => {
    const clock = new ManualClock()
    const { storage, commit } = setUp(1000, clock)
    let left = 2
    const bring = (): void => {
      if (left-- > 0) clock.after(0, bring)
      commit.add(put(`k${left}`))
    }
    bring()
    clock.advance(0)
    await settle()
    expect(storage.flights.map(({ batch }) => batch.length)).to.deep.equal([3 + 1])
  })

  it('does not gather for ever', async () => {
    const clock = new ManualClock()
    const { storage, commit } = setUp(1e6, clock)
    let turns = 0
    const bring = (): void => {
      if (++turns < 100) clock.after(0, bring)
      commit.add(put('k'))
    }
    bring()
    clock.advance(0)
    await settle()
    expect(storage.flights).to.have.length(1)
    expect(storage.flights[0]?.batch.length).to.be.within(2, 20)
  })

  it('takes riders along with every batch, as they are when it leaves', async () => {
    const { storage, commit } = setUp()
    let count = 0
    commit.ride(() => [put(`count${count}`)])
    commit.add(put('a'))
    count = 7
    await settle()
    const batch = await storage.land()
    expect(batch.map((op) => op.key.toString())).to.deep.equal(['a', 'count7', 'mcommits'])
  })

  it('refuses new work while too much waits', async () => {
    const { storage, commit } = setUp(4)
    commit.add(put('a'))
    await settle()
    commit.add(put('bb'))
    commit.add(put('cc'))
    expect(commit.refusal()?.code).to.equal('overloaded')
    await storage.land()
    await storage.land()
    expect(commit.refusal()).to.equal(undefined)
  })

  it('reports a failed batch to everyone in it and refuses all that follow', async () => {
    const { storage, commit } = setUp()
    const errors: unknown[] = []
    commit.add(put('a'), (error) => errors.push(error?.code))
    await settle()
    commit.add(put('b'), (error) => errors.push(error?.code))
    await storage.fail()
    commit.add(put('c'), (error) => errors.push(error?.code))
    await settle()
    expect(errors).to.deep.equal(['storage_failed', 'storage_failed', 'storage_failed'])
    expect(storage.flights).to.have.length(0)
    expect(commit.refusal()?.code).to.equal('storage_failed')
  })

  it('calls back at a barrier when all that was added before is durable', async () => {
    const { storage, commit } = setUp()
    const done: string[] = []
    commit.barrier(() => done.push('at once'))
    expect(done).to.deep.equal(['at once'])
    commit.add(put('a'))
    await settle()
    commit.barrier(() => done.push('under way'))
    commit.add(put('b'))
    commit.barrier(() => done.push('waiting'))
    await storage.land()
    expect(done).not.to.include('waiting')
    await storage.land()
    expect(done).to.include.members(['under way', 'waiting'])
    commit.add(put('c'))
    await settle()
    commit.barrier((error) => done.push(error?.code ?? 'durable'))
    await storage.fail()
    expect(done.at(-1)).to.equal('storage_failed')
  })

  it('refuses to add anything to a disk with little room, but not what only deletes', async () => {
    const { storage, commit } = setUp()
    storage.short = new KvError('storage_failed', 'hardly any room is left')
    expect(commit.refusal()?.message).to.equal('hardly any room is left')
    expect(commit.refusal(true)).to.equal(undefined)
    storage.short = undefined
    expect(commit.refusal()).to.equal(undefined)
    commit.add(put('a'))
    await settle()
    await storage.fail()
    expect(commit.refusal(true)?.code).to.equal('storage_failed')
  })

  it('is idle when nothing waits and nothing is under way', async () => {
    const { storage, commit } = setUp()
    await commit.idle()
    commit.add(put('a'))
    let idle = false
    const waiting = commit.idle().then(() => {
      idle = true
    })
    await settle()
    expect(idle).to.equal(false)
    await storage.land()
    await waiting
  })
})
