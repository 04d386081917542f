import { expect } from 'chai'
import { sendSignal } from '../../cli/local-ring/process-identity.ts'
import { eventually } from '../eventually.ts'
import { endNode } from './disk-images.ts'
import { KvUser } from './kv-user.ts'
import { MINUTE, untilOk } from './surface/surface.ts'
import { judgeAll, Writers } from './writers.ts'

const WRITERS = 12

/** All processes of a ring are killed at once while clients write, as when the power of the room fails. */
describe('a ring whose nodes are all killed at once', function () {
  this.timeout(3 * MINUTE)

  const user = new KvUser()
  let writers: Writers

  before(async () => {
    await user.json(['up', '-n', '5'])
    writers = new Writers([...user.endpoints().values()], WRITERS)
  })

  after(async () => {
    await writers.stop()
    await user.dispose()
  })

  const acknowledged = () => writers.writes().filter(({ fate }) => fate === 'acknowledged').length

  async function expectProgress(count: number): Promise<void> {
    const before = acknowledged()
    await eventually(`${count} further writes`, () => acknowledged() >= before + count, MINUTE)
  }

  it('is back with all that it acknowledged, and with nothing that had failed, time after time', async () => {
    for (let round = 0; round < 2; round++) {
      await expectProgress(300)
      const ids = [...user.endpoints().keys()]
      // All at once: none of them sees another one go.
      for (const { process } of user.ring().nodes) if (process !== undefined) sendSignal(process, 'SIGKILL')
      await Promise.all(ids.map((id) => endNode(user, id, 'SIGKILL')))
      await user.json(['chaos', 'restart', ...ids])
    }
    await expectProgress(100)
    await writers.stop()
    await untilOk(user)
    expect(await judgeAll(user.endpoints(), writers)).to.deep.equal([])
  })
})
