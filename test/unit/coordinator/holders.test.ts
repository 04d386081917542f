import { expect } from 'chai'
import type { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import { Holders } from '../../../server/coordinator/holders.ts'
import type { Holder } from '../../../server/handoff/holder.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { RpcStub } from '../rpc-stub.ts'

const KEY = keyFromText('k')
const BYTES = Buffer.from('record')

function setUp() {
  const rpc = new RpcStub()
  const stored: string[] = []
  const observed: number[] = []
  const holder = {
    store: (_key: unknown, hintFor: string, _bytes: unknown, origin: string) =>
      void stored.push(`${hintFor} ${origin}`.trim()),
    fetch: () => {
      throw new KvError('storage_failed', 'damaged')
    },
  } as unknown as Holder
  const hybrid = { wallMs: () => 5, observe: ({ wallMs }: { wallMs: number }) => observed.push(wallMs) > 0 }
  const holders = new Holders({ rpc, holder, hybrid: hybrid as unknown as HybridClock }, { id: 'a' })
  return { rpc, stored, observed, holders }
}

describe('Holders', () => {
  it('tell this node, like peers, what is a write on its way and what mends', async () => {
    const { rpc, stored, holders } = setUp()
    for (const node of ['a', 'b']) {
      holders.store(node, KEY, '', BYTES, 100, () => undefined)
      holders.store(node, KEY, 'c', BYTES, 100, () => undefined)
      holders.mend(node, KEY, BYTES, 100, () => undefined)
    }
    expect(stored).to.deep.equal(['write', 'c write', 'mend'])
    await Promise.resolve()
    const sent = rpc.calls.flatMap(({ request }) => {
      const { records } = request as { records?: { fresh: boolean }[] }
      return (records ?? [request as { fresh: boolean }]).map(({ fresh }) => fresh)
    })
    expect(sent.sort()).to.deep.equal([false, true, true])
  })

  it('say what is damaged here as a peer would, and heed the time of peers', () => {
    const { rpc, observed, holders } = setUp()
    const codes: unknown[] = []
    holders.fetch('a', KEY, false, 100, (error) => codes.push(error?.code))
    expect(codes).to.deep.equal(['storage_failed'])
    holders.fetch('b', KEY, false, 100, () => undefined)
    const call = rpc.take('b')
    expect(call.request).to.deep.equal({ key: KEY, onFloor: false, once: false, wallMs: 5 })
    call.done(undefined, { bytes: Buffer.alloc(0), floor: 0, complete: true, wallMs: 77 })
    expect(observed).to.deep.equal([77])
  })
})
