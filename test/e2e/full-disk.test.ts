import { expect } from 'chai'
import type { HealthResult } from '../../shared/api.ts'
import type { ErrorBody } from '../../shared/errors.ts'
import { eventually } from '../eventually.ts'
import { KvUser } from './kv-user.ts'
import { ProcessRing } from './process-ring.ts'
import { hasSmallDisks, SmallDisk } from './small-disk.ts'
import { judgeAll, Writers } from './writers.ts'

const MINUTE = 60_000
const MIB = 1024 * 1024
const RESERVE = 16 * MIB

/** A real file system with hardly any room, under one node of three, while clients write. */
if (hasSmallDisks()) {
  describe('a disk that is full', function () {
    this.timeout(3 * MINUTE)

    const user = new KvUser()
    const ring = new ProcessRing({ user }, { ids: ['n1', 'n2', 'n3'], flags: ['--repair-every-ms', '500'] })
    let disk: SmallDisk
    let writers: Writers
    const onDisk = (...flags: string[]) => ({
      through: disk.through,
      data: `${disk.path}/n1`,
      flags: ['--min-free-bytes', String(RESERVE), ...flags],
    })

    before(async () => {
      disk = await SmallDisk.mount(user.file('disk'), 96)
      await ring.start({ n1: onDisk() })
      writers = new Writers([...ring.http.values()], 6)
    })

    after(async () => {
      await writers.stop()
      await ring.dispose()
      await disk.dispose()
      await user.dispose()
    })

    const health = async (id: string) =>
      (await (await fetch(`${ring.endpoint(id)}/health`)).json()) as HealthResult
    const acknowledged = () => writers.writes().filter(({ fate }) => fate === 'acknowledged').length

    async function expectProgress(count: number): Promise<void> {
      const before = acknowledged()
      await eventually(`${count} further writes`, () => acknowledged() >= before + count, MINUTE)
    }

    it('lets the node take no more writes, but deletions, and the others go on', async () => {
      await expectProgress(20)
      const kept = await fetch(`${ring.endpoint('n2')}/kv/kept?w=3`, { method: 'PUT', body: 'x' })
      expect(kept.status, await kept.text()).to.equal(200)
      disk.fill(RESERVE / 2)
      await eventually('n1 to say so', async () => (await health('n1')).status === 'not_ready', MINUTE)
      expect((await health('n1')).reason).to.match(/the disk of .*\/n1 is full: \d+ MiB are free/)
      await expectProgress(50)
      // Each of the three owns every key: w=3 needs the one without room.
      const everyone = await fetch(`${ring.endpoint('n2')}/kv/all?w=3&timeout=2s`, {
        method: 'PUT',
        body: 'x',
      })
      expect(everyone.status).to.be.oneOf([503, 504])
      expect((await fetch(`${ring.endpoint('n1')}/kv/kept?r=1`)).status, 'it still reads').to.equal(200)
      const deleted = await fetch(`${ring.endpoint('n2')}/kv/kept?w=3`, { method: 'DELETE' })
      expect(deleted.status, await deleted.text()).to.equal(200)
    })

    it('lets it go on by itself once there is room', async () => {
      disk.makeRoom()
      await eventually('n1 to be ready', async () => (await health('n1')).ready, MINUTE)
      const everyone = await fetch(`${ring.endpoint('n2')}/kv/all?w=3`, { method: 'PUT', body: 'x' })
      expect(everyone.status, await everyone.text()).to.equal(200)
      await ring.untilWhole()
    })

    it('ends the node where nothing at all is left, and keeps it from starting until there is room', async () => {
      await ring.node('n1').end('SIGTERM')
      await ring.startNode('n1', onDisk('--min-free-bytes', '0'))
      await expectProgress(20)
      disk.fill(0)
      expect(await ring.node('n1').ended()).to.equal(5)
      expect(ring.node('n1').stderr).to.match(/the disk of .* is full/)
      await expectProgress(50)
      const refused = ring.spawn('n1', onDisk('--min-free-bytes', '0'))
      const { error } = (await refused.firstLine()) as ErrorBody
      expect(await refused.ended()).to.equal(5)
      expect(error.message).to.match(/the disk of .* is full/)
      expect(error.hint).to.match(/^make room on it \(df .*\), then start the node again$/)
      disk.makeRoom()
      await ring.startNode('n1', onDisk())
      await ring.untilWhole()
    })

    it('has cost nothing that was acknowledged', async () => {
      await writers.stop()
      await ring.untilWhole()
      expect(await judgeAll(ring.http, writers)).to.deep.equal([])
    })
  })
}
