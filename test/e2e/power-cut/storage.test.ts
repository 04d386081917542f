import { expect } from 'chai'
import type { JournalRecord } from './journal.ts'
import { hasShim } from './shim.ts'
import { StorageLives } from './storage-lives.ts'
import { anyOf, DATA, NAMES, NOTHING, random, torn } from './survival.ts'

const MINUTE = 60_000

/** Where files and names come and go, and what was fsynced: everything but data. */
const isTurningPoint = ({ type }: JournalRecord) => type !== 'write' && type !== 'sync-begin'

/** A node's disk that loses its power at hundreds of moments of its life, with all that was not fsynced. */
if (hasShim()) {
  describe('a data directory whose power is cut', function () {
    this.timeout(3 * MINUTE)

    let lives: StorageLives

    beforeEach(() => {
      lives = new StorageLives()
    })

    afterEach(() => lives.dispose())

    it('opens again with all that was committed, whenever it is, and whatever else has survived', async () => {
      await lives.live({ batches: 12, valueBytes: 700, ending: 'kill' })
      await lives.live({ batches: 12, valueBytes: 9_000, ending: 'close' })
      await lives.live({ batches: 12, valueBytes: 300, ending: 'kill' })
      expect(lives.unrecorded()).to.deep.equal([])
      const { cuts, wrong } = await lives.cut({
        where: (record, index) => isTurningPoint(record) || index % 15 === 0,
        how: (index) => (index % 2 === 0 ? [NOTHING, torn(index), random(index)] : [NAMES, DATA]),
      })
      expect(wrong).to.deep.equal([])
      expect(cuts).to.be.greaterThan(300)
    })

    it('does so while LevelDB goes over to another log and writes tables', async () => {
      await lives.live({ batches: 37, valueBytes: 120_000, ending: 'kill' })
      await lives.live({ batches: 3, valueBytes: 100, ending: 'close' })
      const tables = lives
        .records()
        .findIndex((record) => record.type === 'open' && record.path.endsWith('.ldb'))
      expect(tables, 'there is a table').to.be.greaterThan(0)
      const { cuts, wrong } = await lives.cut({
        where: (record, index) =>
          index > tables - 10 && (record.type === 'sync-end' || record.type === 'unlink'),
        how: (index) => [[NOTHING, NAMES, torn(index), random(index)][index % 4]!],
      })
      expect(wrong).to.deep.equal([])
      expect(cuts).to.be.greaterThan(10)
    })

    it('keeps what POSIX promises and no more, until LevelDB makes its first table', async () => {
      await lives.live({ batches: 10, valueBytes: 2_000, ending: 'close' })
      const { cuts, wrong } = await lives.cut({
        newNames: 'directory',
        where: (record, index) => isTurningPoint(record) || index % 20 === 0,
        how: (index) => [NOTHING, anyOf(index)],
      })
      expect(wrong).to.deep.equal([])
      expect(cuts).to.be.greaterThan(100)
    })

    it('loses commits where they were not to wait for the disk: so this test would see it', async () => {
      await lives.live({ batches: 10, valueBytes: 700, ending: 'kill', durability: 'async' })
      const { wrong } = await lives.cut({
        where: (_, index) => index % 20 === 0,
        how: () => [NOTHING],
      })
      expect(wrong.join('\n')).to.match(/batch 1 is lost, and \d+ were committed/)
    })
  })
}
