import { expect } from 'chai'
import { MarkTransfer } from '../../../server/handoff/mark-transfer.ts'
import type { DurableRepairMarks, RepairMark } from '../../../server/handoff/repair-marks.ts'
import type { MarkRequest } from '../../../server/rpc/mark-method.ts'
import type { Reply, Rpc } from '../../../server/rpc/method.ts'
import { KvError } from '../../../shared/errors.ts'
import { ManualClock } from '../manual-clock.ts'
import { RpcStub } from '../rpc-stub.ts'

/** Node d, which owns slot 9 only; the others have the owners a and b, of which a is out of reach. */
function setUp(slots: readonly number[]) {
  const left = new Set(slots)
  const waiting: ((error?: KvError) => void)[] = []
  const marks = {
    get count() {
      return left.size
    },
    marked: () => [...left].map((slot) => ({ slot, serial: 1 })),
    clear: ({ slot }: RepairMark) => left.delete(slot),
    mark: (slot: number, done: (error?: KvError) => void) => {
      left.add(slot)
      waiting.push(done)
    },
  } as unknown as DurableRepairMarks
  const clock = new ManualClock()
  const rpc = new RpcStub()
  const owners = (slot: number) => (slot === 9 ? ['d', 'b'] : ['a', 'b'])
  const ring = { reachable: (id: string) => id === 'b', slots: () => ({ members: ['a', 'b', 'd'], owners }) }
  const transfer = new MarkTransfer({ clock, rpc, ring, marks }, { id: 'd' })
  transfer.start()
  let take: (request: MarkRequest, reply: Reply<void>) => void = () => undefined
  const handle = (
    _method: unknown,
    run: (from: string, request: MarkRequest, reply: Reply<void>) => void,
  ) => {
    take = (request, reply) => run('x', request, reply)
  }
  transfer.serve({ handle } as unknown as Rpc)
  return {
    left,
    waiting,
    clock,
    rpc,
    take: (request: MarkRequest, reply: Reply<void>) => take(request, reply),
  }
}

describe('MarkTransfer', () => {
  it('hands marks to an owner within reach, and keeps them until that has them', () => {
    const { left, clock, rpc } = setUp([1, 9, 2])
    clock.advance(2_500)
    const call = rpc.take('b')
    expect(call.request).to.deep.equal({ slots: [1, 2] })
    call.done(new KvError('outcome_unknown', 'lost'))
    expect(left.size).to.equal(3)
    clock.advance(2_500)
    rpc.take('b').done(undefined, undefined)
    expect([...left], 'what it owns itself stays here').to.deep.equal([9])
  })

  it('answers when all that it takes over is durable', () => {
    const { waiting, take } = setUp([])
    const answers: unknown[] = []
    take({ slots: [3, 4] }, (error) => answers.push(error))
    waiting[0]?.()
    expect(answers).to.deep.equal([])
    waiting[1]?.()
    expect(answers).to.deep.equal([undefined])
  })

  it('refuses a slot that does not exist, and marks nothing', () => {
    const { left, take } = setUp([])
    const answers: (KvError | undefined)[] = []
    take({ slots: [3, 16_384] }, (error) => answers.push(error))
    expect([answers[0]?.code, left.size]).to.deep.equal(['usage', 0])
  })
})
