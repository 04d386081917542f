import { expect } from 'chai'
import type { Node } from '../../server/node.ts'
import { keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'
import { Prng } from './prng.ts'

const key = keyFromText('greeting')

describe('an owner whose disk has spoilt a record', function () {
  this.timeout(300_000)

  it('writes under another name from then on: it does not know any more what it wrote', async () => {
    const ring = new CalmRing('lww', { repairEveryMs: 0, scrubEveryMs: 0, recordCacheBytes: 0 })
    await ring.start()
    const [owner] = ring.cluster.machines[0]?.node?.locate(key).preferenceList ?? []
    const { id, disk } = ring.machine(owner?.id as string)
    const put = (node: Node) => node.coordinator.put(key, Buffer.from('hello'), { w: 3 })
    const writer = () => disk.look(key).record?.siblings[0]?.dot
    await ring.ask(id, put)
    const first = writer()
    await ring.ask(id, put)
    const second = writer()
    expect(second?.actor, 'it goes on under its name while nothing is lost').to.equal(first?.actor)
    expect(disk.damage.flip(new Prng(1))).to.equal(true)
    await ring.ask(id, put)
    const third = writer()
    expect(third?.actor.startsWith(`${id}.`)).to.equal(true)
    expect(third?.actor).to.not.equal(second?.actor)
    expect(third?.counter).to.be.above(second?.counter as number)
  })
})
