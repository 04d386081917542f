import { expect } from 'chai'
import { DiskMemory } from '../../../server/membership/disk-memory.ts'
import type { NodeReport } from '../../../server/membership/heartbeat.ts'
import { EMPTY_REPORT } from './virtual-ring.ts'

describe('DiskMemory', () => {
  let memory: DiskMemory
  beforeEach(() => {
    memory = new DiskMemory({ id: 'n1' })
  })

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
})
