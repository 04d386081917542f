import { expect } from 'chai'
import { type Floor, NO_FLOOR } from '../../../server/causality/floor.ts'
import { Floors } from '../../../server/replica/floors.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { readyClock } from '../ready-clock.ts'
import { RecordingTrace } from '../recording-trace.ts'
import { diskStorage } from './disk-storage.ts'

const floor = (counter: number): Floor => ({
  ...NO_FLOOR,
  vector: new Map([['a', counter]]),
  expiredMs: counter,
})

async function floorsOn(disk: MemoryDisk) {
  const storage = diskStorage(disk)
  const trace = new RecordingTrace()
  const commit = new GroupCommit({ clock: readyClock, storage, trace }, { maxQueuedBytes: 1e6 })
  const floors = new Floors({ storage, commit, trace })
  await floors.recover()
  return { floors, commit, storage, trace }
}

describe('Floors', () => {
  it('are there again after a restart, but for those that were forgotten', async () => {
    const disk = new MemoryDisk()
    const { floors, commit, storage } = await floorsOn(disk)
    floors.raise(3, floor(5))
    floors.raise(3, floor(4))
    floors.raise(16_383, floor(7))
    floors.raise(9, floor(1))
    floors.forget(9)
    floors.forget(10)
    await commit.idle()
    await storage.close()
    const again = (await floorsOn(disk)).floors
    expect([...again.slots()]).to.have.members([3, 16_383])
    expect([...again.of(3).vector]).to.deep.equal([['a', 5]])
    expect(again.digest(3)).to.equal(floors.digest(3)).and.not.equal(0)
    expect(again.digest(9)).to.equal(0)
  })

  it('count as none where the disk gives something else', async () => {
    const disk = new MemoryDisk()
    const { floors, commit, storage } = await floorsOn(disk)
    floors.raise(3, floor(5))
    await commit.idle()
    await storage.commit([
      { type: 'put', key: Buffer.from([0x6d, 0x66, 0, 3]), value: Buffer.from([1, 2, 3]) },
    ])
    await storage.close()
    const again = await floorsOn(disk)
    expect(again.floors.count).to.equal(0)
    expect(again.trace.told.map(({ event }) => event)).to.deep.equal(['floor.corrupt'])
  })

  it('guard while something was promised or a slot is being adopted', async () => {
    const { floors } = await floorsOn(new MemoryDisk())
    expect(floors.guarding).to.equal(false)
    floors.promise(3, { round: 'r1', vector: floor(5).vector })
    expect([floors.guarding, floors.holds(3, 'r1'), floors.holds(3, 'r2')]).to.deep.equal([true, true, false])
    expect(floors.promised(3).get('a')).to.equal(5)
    // What is lost now was counted in the round: it ends without this node, which still keeps late writes out.
    floors.forget(3)
    expect([floors.holds(3, 'r1'), floors.promised(3).get('a')]).to.deep.equal([false, 5])
    floors.adopt(4, floor(6))
    expect(floors.adopting(4).vector.get('a')).to.equal(6)
    floors.raise(4, floor(6))
    expect(floors.adopting(4).vector.size).to.equal(0)
    floors.adopt(5, floor(6))
    floors.forget(5)
    expect(floors.adopting(5).vector.size).to.equal(0)
  })
})
