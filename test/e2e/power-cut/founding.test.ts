import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'chai'
import { processesOf, RingStateFile } from '../../../cli/local-ring/ring-state.ts'
import { killProcesses } from '../../../cli/local-ring/stop-processes.ts'
import { hideCopying } from '../disk-images.ts'
import { KvUser } from '../kv-user.ts'
import type { Up } from '../surface/surface.ts'
import { Disk } from './disk.ts'
import { Journal, type JournalRecord } from './journal.ts'
import { buildShim, hasShim, tracing } from './shim.ts'
import { NAMES, NOTHING, random, type Survival } from './survival.ts'
import { writeTree } from './tree.ts'

const MINUTE = 60_000
const STATE = 'home/rings/local/ring.json'

/** The machine loses its power while `kv up` makes a ring, or right after it: all of KV_HOME, not the data only. */
if (hasShim()) {
  describe('kv up whose power is cut', function () {
    this.timeout(3 * MINUTE)

    const user = new KvUser()
    const disk = user.file('disk')
    const home = path.join(disk, 'home')
    const ringDirectory = path.join(home, 'rings', 'local')
    const env = { KV_HOME: home }
    let journal: Journal

    async function endAll(): Promise<void> {
      const { nodes = [] } = new RingStateFile(ringDirectory).read() ?? {}
      await killProcesses(processesOf(nodes))
    }

    before(async () => {
      mkdirSync(disk)
      journal = new Journal(user.file('journal'))
      const traced = { env: { ...env, ...tracing(buildShim(user.directory), disk, journal) } }
      await user.json(['up', '-n', '3'], traced)
      await user.json(['set', 'city', 'Kyiv'], traced)
      await endAll()
    })

    afterEach(endAll)

    after(async () => {
      journal.close()
      await user.dispose()
    })

    async function cut(where: (records: readonly JournalRecord[]) => number, survival: Survival) {
      const records = journal.read()
      const image = new Disk(new Map())
      for (const record of records.slice(0, where(records))) image.apply(record)
      writeTree(disk, image.cut(survival))
      for (const id of ['n1', 'n2', 'n3'])
        await hideCopying(path.join(ringDirectory, 'data', id)).catch(() => undefined)
    }

    it('makes the ring when it is run again, where hardly a file had been written', async () => {
      await cut(
        (records) => records.findIndex((record) => record.type === 'rename' && record.to === STATE),
        NAMES,
      )
      expect((await user.json<Up>(['up', '-n', '3'], { env })).nodes).to.have.length(3)
    })

    it('makes the ring when it is run again, where the nodes were making their databases', async () => {
      await cut((records) => Math.floor(records.length / 2), random(1))
      expect((await user.json<Up>(['up', '-n', '3'], { env })).nodes).to.have.length(3)
    })

    it('has the ring, its secret, its context and its data, once it has said so', async () => {
      await cut((records) => records.length, NOTHING)
      // Without its number: a ring that was forgotten would be one of five.
      expect((await user.json<Up>(['up'], { env })).nodes).to.have.length(3)
      expect((await user.json<{ value: string }>(['get', 'city'], { env })).value).to.equal('Kyiv')
    })
  })
}
