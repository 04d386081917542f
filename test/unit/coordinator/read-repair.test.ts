import { expect } from 'chai'
import { GetCore } from '../../../server/coordinator/get-core.ts'
import type { Holders } from '../../../server/coordinator/holders.ts'
import { ReadRepair } from '../../../server/coordinator/read-repair.ts'
import { Counters } from '../../../shared/counters.ts'
import { keyFromText } from '../../../shared/key.ts'
import { encodedOf } from '../records.ts'

const KEY = keyFromText('k')

function setUp() {
  const sent: { node: string; bytes: Buffer; done: () => void }[] = []
  const holders = {
    mend: (node: string, _key: unknown, bytes: Buffer, _timeoutMs: number, done: () => void) =>
      void sent.push({ node, bytes, done }),
  } as unknown as Holders
  return { sent, repair: new ReadRepair({ holders, counters: new Counters() }) }
}

function coreOf(replies: Record<string, Buffer>): GetCore {
  const core = new GetCore(KEY, { r: 1 })
  for (const [node, bytes] of Object.entries(replies))
    core.replied(node, node === 'd' ? 'fallback' : 'owner', { bytes, floor: 0, complete: true })
  return core
}

const [x, y] = [encodedOf(KEY, 'x', 1), encodedOf(KEY, 'y', 1)]

describe('ReadRepair', () => {
  it('sends what the read has merged to each owner that lacks some of it', () => {
    const { sent, repair } = setUp()
    const core = coreOf({ a: x, b: y, c: Buffer.alloc(0), d: x })
    repair.mend(KEY, core)
    expect(sent.map(({ node }) => node)).to.deep.equal(['a', 'b', 'c'])
    for (const { bytes } of sent) expect(bytes.equals(core.stale().bytes)).to.equal(true)
  })

  it('sends nothing where all hold the same', () => {
    const { sent, repair } = setUp()
    repair.mend(KEY, coreOf({ a: x, b: x }))
    expect(sent).to.have.length(0)
  })

  it('leaves what is more than 256 at a time to others', () => {
    const { sent, repair } = setUp()
    for (let i = 0; i < 300; i++) repair.mend(KEY, coreOf({ a: x, b: Buffer.alloc(0) }))
    expect(sent).to.have.length(256)
    sent[0]?.done()
    repair.mend(KEY, coreOf({ a: x, b: Buffer.alloc(0) }))
    expect(sent).to.have.length(257)
  })
})
