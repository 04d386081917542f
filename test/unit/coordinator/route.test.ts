import { expect } from 'chai'
import type { RingView } from '../../../server/coordinator/ring-view.ts'
import { RouteOperation } from '../../../server/coordinator/route.ts'
import type {
  CoordinateRequest,
  ForwardRequest,
  ForwardResponse,
} from '../../../server/rpc/forward-method.ts'
import type { Reply } from '../../../server/rpc/method.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'
import { RpcStub } from '../rpc-stub.ts'

const RESPONSE: ForwardResponse = { version: 'v', acks: 2, sloppy: false, existed: false }
const unknown = () => new KvError('outcome_unknown', 'the link was lost')
const refused = () => new KvError('not_ready', 'starting')

function setUp(self: string, options: { down?: string[]; unheard?: string[]; strict?: boolean } = {}) {
  const clock = new ManualClock()
  const rpc = new RpcStub()
  const down = new Set(options.down)
  const unheard = new Set(options.unheard)
  const momentOf = (id: string) => (unheard.has(id) ? undefined : { session: 9, ms: 1_000 })
  const ring = { reachable: (id: string) => !down.has(id), moments: { of: momentOf } } as unknown as RingView
  const local: { request: CoordinateRequest; done: Reply<ForwardResponse> }[] = []
  const coordinate = (request: CoordinateRequest, done: Reply<ForwardResponse>) =>
    void local.push({ request, done })
  const request: CoordinateRequest = {
    key: keyFromText('k'),
    value: Buffer.from('v'),
    w: 2,
    ttlMs: 0,
    context: undefined,
    strict: options.strict ?? false,
    request: '',
    attempt: 0,
    timeoutMs: 5_000,
  }
  const outcomes: string[] = []
  const plan = { self, owners: ['a', 'b', 'c'] }
  let ids = 0
  const newRequest = () => `r${ids++}`
  new RouteOperation({ clock, rpc, ring, coordinate, newRequest }, plan, request, (error, answer) =>
    outcomes.push(error === undefined ? `ok from ${answer?.coordinator}` : error.code),
  ).next()
  return { clock, rpc, local, outcomes }
}

const requestOf = (call: { request: unknown }) => call.request as ForwardRequest

describe('RouteOperation', () => {
  it('coordinates on this node where it is an owner', () => {
    const { rpc, local, outcomes } = setUp('b')
    local[0]?.done(undefined, RESPONSE)
    expect(outcomes).to.deep.equal(['ok from b'])
    expect(rpc.calls).to.have.length(0)
  })

  it('asks the next owner, as a later attempt at the same request, when the outcome at one is unknown', () => {
    const { rpc, outcomes } = setUp('x')
    const first = rpc.take('a')
    expect(requestOf(first)).to.include({ request: 'r0', attempt: 0 })
    first.done(unknown())
    const second = rpc.take('b')
    expect(requestOf(second)).to.include({ request: 'r0', attempt: 1 })
    second.done(undefined, RESPONSE)
    expect(outcomes).to.deep.equal(['ok from b'])
  })

  it('asks the next owner, as a first attempt, when one has refused', () => {
    const { rpc } = setUp('x')
    rpc.take('a').done(refused())
    expect(requestOf(rpc.take('b'))).to.include({ attempt: 0 })
  })

  it('passes over owners out of reach, and coordinates itself when all are', () => {
    const { rpc, local } = setUp('x', { down: ['a', 'b'] })
    rpc.take('c').done(refused())
    expect(local).to.have.length(1)
  })

  it('says until when the attempt may be applied, by the clock of the coordinator', () => {
    const { rpc } = setUp('x')
    const first = rpc.take('a')
    expect(requestOf(first).until).to.deep.equal({ session: 9, ms: 1_000 + first.timeoutMs * 0.99 })
  })

  it('passes over an owner whose clock it has not heard of', () => {
    const { rpc } = setUp('x', { unheard: ['a'] })
    expect(requestOf(rpc.take('b'))).to.include({ attempt: 0 })
  })

  it('does not stand in for owners when strict', () => {
    const { local, outcomes } = setUp('x', { down: ['a', 'b', 'c'], strict: true })
    expect(local).to.have.length(0)
    expect(outcomes).to.deep.equal(['no_quorum'])
  })

  it('is definite only when every attempt was refused', () => {
    const all = setUp('x', { strict: true })
    for (const owner of ['a', 'b', 'c']) all.rpc.take(owner).done(refused())
    expect(all.outcomes).to.deep.equal(['not_ready'])
    const one = setUp('x', { strict: true })
    one.rpc.take('a').done(refused())
    one.rpc.take('b').done(unknown())
    one.rpc.take('c').done(refused())
    expect(one.outcomes).to.deep.equal(['outcome_unknown'])
  })

  it('tries nobody else once this node has staged the write', () => {
    const { rpc, local, outcomes } = setUp('b')
    local[0]?.done(unknown())
    expect(rpc.calls).to.have.length(0)
    expect(outcomes).to.deep.equal(['outcome_unknown'])
  })

  it('goes on to another owner when this node refuses, under an id from then on', () => {
    const { rpc, local } = setUp('b')
    local[0]?.done(new KvError('storage_failed', 'the disk is full'))
    expect(requestOf(rpc.take('a'))).to.include({ request: 'r0', attempt: 0 })
  })

  it('does not repeat what no node will accept', () => {
    const { rpc, outcomes } = setUp('x')
    rpc.take('a').done(new KvError('too_large', 'too large'))
    expect(rpc.calls).to.have.length(0)
    expect(outcomes).to.deep.equal(['too_large'])
  })

  it('leaves all of the time to an attempt on this node, after which there is no other', () => {
    const { local } = setUp('b')
    expect(local[0]?.request.timeoutMs).to.equal(5_000)
  })

  it('divides the time among the attempts and gives up when it has passed', () => {
    const { clock, rpc, outcomes } = setUp('x')
    const first = rpc.take('a')
    expect(first.timeoutMs).to.be.lessThan(5_000)
    clock.advance(5_000)
    first.done(unknown())
    expect(outcomes).to.deep.equal(['outcome_unknown'])
  })
})
