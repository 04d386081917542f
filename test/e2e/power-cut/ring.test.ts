import { mkdirSync } from 'node:fs'
import { expect } from 'chai'
import { eventually } from '../../eventually.ts'
import { hideCopying } from '../disk-images.ts'
import { KvUser } from '../kv-user.ts'
import { ProcessRing } from '../process-ring.ts'
import { asOf, type Histories, judgeAll, Writers } from '../writers.ts'
import { Disk } from './disk.ts'
import { Journal } from './journal.ts'
import { buildShim, hasShim, tracing } from './shim.ts'
import { NAMES, NOTHING, random, type Survival, torn } from './survival.ts'
import { readTree, type Tree, writeTree } from './tree.ts'

const MINUTE = 60_000
const WRITERS = 12
const IDS = ['n1', 'n2', 'n3']

/** All nodes of a ring lose their power at one moment, and with it what they have not fsynced, while clients write. */
if (hasShim()) {
  describe('a ring whose power is cut', function () {
    this.timeout(3 * MINUTE)

    const user = new KvUser()
    const disks = user.file('disks')
    let shim: string
    let ring: ProcessRing
    const all = new Map<string, Histories>()

    before(() => {
      shim = buildShim(user.directory)
      mkdirSync(disks)
    })

    afterEach(() => ring.dispose())

    after(() => user.dispose())

    const settingsOf = (env: Readonly<Record<string, string>>) => ({
      through: ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
    })

    /** Starts the nodes on the disks, untraced where there is no journal, and waits until the ring is whole. */
    async function start(journal?: Journal, flags: readonly string[] = []): Promise<void> {
      ring = new ProcessRing({ user }, { ids: IDS, flags })
      const settings = settingsOf(journal ? tracing(shim, disks, journal) : {})
      await ring.start(Object.fromEntries(IDS.map((id) => [id, { ...settings, data: `${disks}/${id}` }])))
    }

    async function restart(id: string, journal: Journal): Promise<void> {
      expect(await ring.node(id).end('SIGTERM')).to.equal(0)
      await ring.startNode(id, { ...settingsOf(tracing(shim, disks, journal)), data: `${disks}/${id}` })
      await ring.untilWhole()
    }

    async function write(journal: Journal, name: string, story: (writers: Writers) => Promise<void>) {
      const writers = new Writers([...ring.http.values()], WRITERS, { name, moment: () => journal.end() })
      await story(writers)
      const moment = journal.end()
      // The power is off for all of them at one place of the journal, whenever each of them comes to be killed.
      await ring.dispose()
      await writers.stop()
      all.set(name, writers.histories)
      return moment
    }

    function acknowledged(writers: Writers, count: number): Promise<void> {
      const told = () => writers.writes().filter(({ fate }) => fate === 'acknowledged').length
      const before = told()
      return eventually(`${count} further writes`, () => told() >= before + count, MINUTE)
    }

    /** Makes the disks what the power cut has left. */
    async function cut(before: Tree, journal: Journal, moment: number, survival: Survival): Promise<void> {
      const disk = new Disk(before)
      for (const record of journal.read()) if (record.at < moment) disk.apply(record)
      writeTree(disks, disk.cut(survival))
      for (const id of IDS) await hideCopying(`${disks}/${id}`).catch(() => undefined)
    }

    it('comes up whole, with all that it had acknowledged, whatever else has survived', async () => {
      const journal = new Journal(user.file('journal'))
      await start(journal)
      let restarted = 0
      const end = await write(journal, 'first', async (writers) => {
        await acknowledged(writers, 150)
        await restart('n2', journal)
        restarted = journal.end()
        await acknowledged(writers, 50)
      })
      const first = all.get('first')!
      const moments: [number, Survival][] = [
        [restarted, random(1)],
        [end, torn(2)],
      ]
      for (const [moment, survival] of moments) {
        await cut(new Map(), journal, moment, survival)
        await start()
        const wrong = await judgeAll(ring.http, { histories: asOf(first, moment) })
        expect(wrong, `at ${moment}, ${survival.name}`).to.deep.equal([])
        await ring.dispose()
      }

      await cut(new Map(), journal, end, NOTHING)
      const before = readTree(disks)
      const later = new Journal(user.file('later'))
      await start(later)
      expect(await judgeAll(ring.http, { histories: asOf(first, end) })).to.deep.equal([])
      const last = await write(later, 'second', (writers) => acknowledged(writers, 100))
      await cut(before, later, last, NAMES)
      await start()
      for (const histories of [asOf(first, end), asOf(all.get('second')!, last)])
        expect(await judgeAll(ring.http, { histories })).to.deep.equal([])
      const versions = [...all.values()].flatMap((histories) => [...histories.values()].flat())
      const dots = versions.map(({ version }) => version).filter((version) => version !== '')
      expect(new Set(dots).size, 'no dot was given twice').to.equal(dots.length)
    })

    it('has lost writes where nodes were told not to wait for their disks: so this test would see it', async () => {
      writeTree(disks, new Map())
      const journal = new Journal(user.file('careless'))
      await start(journal, ['--durability', 'async'])
      const moment = await write(journal, 'third', (writers) => acknowledged(writers, 50))
      await cut(new Map(), journal, moment, NOTHING)
      await start()
      const wrong = await judgeAll(ring.http, { histories: asOf(all.get('third')!, moment) })
      expect(wrong[0]).to.match(/was acknowledged, and (nothing|\d+) is there/)
    })
  })
}
