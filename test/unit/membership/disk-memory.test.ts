import { expect } from 'chai'
import { DiskMemory } from '../../../server/membership/disk-memory.ts'
import type { NodeReport } from '../../../server/membership/heartbeat.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import type { MemoryStorage } from '../../simulation/memory-storage.ts'
import { diskStorage } from '../replica/disk-storage.ts'
import { silentTrace } from '../silent-trace.ts'
import { EMPTY_REPORT } from './virtual-ring.ts'

describe('DiskMemory', () => {
  let memory: DiskMemory
  let disk: MemoryDisk
  let storage: MemoryStorage
  beforeEach(() => {
    disk = new MemoryDisk()
    storage = diskStorage(disk)
    memory = new DiskMemory({ storage, trace: silentTrace }, { id: 'n1' })
  })

  /** The process ends, and another one begins on the same disk. */
  function restart(): void {
    storage.crash()
    storage = diskStorage(disk)
    memory = new DiskMemory({ storage, trace: silentTrace }, { id: 'n1' })
    memory.load()
  }

  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }

  const beat = (incarnation: string, commits: number, doubts: [string, number][] = []) => {
    const report: NodeReport = { ...EMPTY_REPORT, commits }
    return { incarnation, report, doubts: new Map(doubts) }
  }

  it('has no doubts of a disk that only goes on', () => {
    for (const commits of [5, 5, 6, 100]) memory.take('n2', beat('a', commits))
    memory.take('n3', beat('b', 1))
    expect([...memory.doubts]).to.deep.equal([])
  })

  it('doubts one that has taken fewer batches than it had, until it has heard of that', () => {
    memory.take('n2', beat('a', 100))
    memory.take('n2', beat('a', 90))
    expect([...memory.doubts]).to.deep.equal([['n2', 101]])
    memory.take('n2', beat('a', 100))
    expect(memory.doubts.get('n2')).to.equal(101)
    memory.take('n2', beat('a', 102))
    expect([...memory.doubts]).to.deep.equal([])
  })

  it('doubts another disk, also the first one when it is back', () => {
    memory.take('n2', beat('a', 100))
    memory.take('n2', beat('b', 1))
    expect(memory.doubts.get('n2')).to.equal(101)
    memory.take('n2', beat('b', 102))
    expect(memory.doubts.size).to.equal(0)
    memory.take('n2', beat('a', 110))
    expect(memory.doubts.get('n2')).to.equal(111)
  })

  it('tells of doubts of this node, and takes a beat without a report for none', () => {
    const heard: number[] = []
    memory.onDoubt((commits) => heard.push(commits))
    memory.take('n2', { ...beat('a', 0, [['n3', 7]]), report: undefined })
    memory.take('n2', beat('a', 3, [['n1', 9]]))
    expect(heard).to.deep.equal([9])
    expect(memory.doubts.size).to.equal(0)
  })

  it('remembers over its own restart, as of the last time that it was written', async () => {
    memory.take('n2', beat('a', 100))
    memory.take('n3', beat('b', 50))
    memory.round(1_000)
    memory.take('n3', beat('b', 60))
    memory.round(5_000)
    await settled()
    restart()
    memory.take('n2', beat('a', 99))
    memory.take('n3', beat('b', 55))
    expect([...memory.doubts]).to.deep.equal([['n2', 101]])
  })

  it('remembers a doubt that the peer has not heard of', async () => {
    memory.take('n2', beat('a', 100))
    memory.take('n2', beat('a', 90))
    memory.round(20_000)
    await settled()
    restart()
    memory.take('n2', beat('a', 91))
    expect(memory.doubts.get('n2')).to.be.greaterThan(100)
  })

  it('believes the peers where what it wrote cannot be read', async () => {
    await storage.commit([{ type: 'put', key: Buffer.from('mdisks'), value: Buffer.from('x') }])
    restart()
    memory.take('n2', beat('a', 1))
    expect(memory.doubts.size).to.equal(0)
  })
})
