import { expect } from 'chai'
import type { ConflictPolicy } from '../../../server/causality/record.ts'
import { HINT_AFTER_MS, type PutComponents, PutOperation } from '../../../server/coordinator/put.ts'
import type { StoreAck } from '../../../server/replica/replica.ts'
import { Deadlines } from '../../../server/rpc/deadlines.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'

const KEY = keyFromText('k')
const TIMEOUT_MS = 2_000
const ABOVE = { wallMs: 9, logical: 0 }

type Done = (error: KvError | undefined, ack?: StoreAck) => void

/** A write to a key of a, b and c, of which this node is `a`, with w=2; d and e keep hints. */
interface Circumstances {
  readonly down?: readonly string[]
  readonly unfilled?: readonly string[]
  readonly strict?: boolean
  readonly replaced?: boolean
  readonly conflicts?: ConflictPolicy
  /** Another than `a`: no owner of the key. */
  readonly self?: string
  /** There is no room for hints here. */
  readonly full?: boolean
}

function begin({
  down = [],
  unfilled = [],
  strict = false,
  replaced = false,
  conflicts = 'lww',
  self = 'a',
  full = false,
}: Circumstances = {}) {
  const clock = new ManualClock()
  // Deadlines of its own: what a process that stood still finds first, an answer or the time, is up to chance.
  const ticks = new ManualClock()
  const sent: { node: string; hintFor: string; done: Done }[] = []
  const staged: Done[] = []
  const ended: number[] = []
  const roles: string[] = []
  const stage = (done: Done, role: string) => {
    staged.push(done)
    roles.push(role)
    return { dot: { actor: 'a.1', counter: 1 }, bytes: Buffer.from('record'), before: {} }
  }
  const components = {
    clock,
    ring: { reachable: (id: string) => !down.includes(id) },
    holders: {
      store: (node: string, _key: unknown, hintFor: string, _bytes: Buffer, _timeoutMs: number, done: Done) =>
        void sent.push({ node, hintFor, done }),
    },
    replica: {
      write: (_records: unknown, role: string, _key: unknown, _write: unknown, done: Done) =>
        stage(done, role),
      restamp: (
        _records: unknown,
        role: string,
        _key: unknown,
        _dot: unknown,
        _write: unknown,
        done: Done,
      ) => (replaced ? undefined : stage(done, role)),
    },
    data: {},
    complete: () => !unfilled.includes('a'),
    hints: { records: () => ({}), refusal: () => (full ? new KvError('overloaded', 'full') : undefined) },
    hybrid: { observe: () => true },
    deadlines: new Deadlines(ticks),
    counters: new Counters(),
    writes: { begin: () => 7, end: (write: number) => void ended.push(write) },
  } as unknown as PutComponents
  const answers: string[] = []
  const plan = { self, owners: ['a', 'b', 'c'], preference: ['a', 'b', 'c', 'd', 'e'] }
  const write = { value: Buffer.from('v'), ttlMs: 0, context: undefined, request: 'q', attempt: 0 }
  new PutOperation(
    components,
    KEY,
    write,
    { ...plan, w: 2, strict, conflicts, timeoutMs: TIMEOUT_MS },
    (error, answer) => answers.push(error?.code ?? `${answer?.acks}${answer?.sloppy ? ' sloppy' : ''}`),
  ).start()
  const own = () => staged.shift()?.(undefined)
  const ack = (node: string, outrankedBy?: typeof ABOVE, hintFor = '') => {
    const at = sent.findIndex((call) => call.node === node && call.hintFor === hintFor)
    if (at < 0) throw new Error(`nothing was sent to ${node}`)
    sent.splice(at, 1)[0]?.done(undefined, { outrankedBy, complete: !unfilled.includes(node) })
  }
  return { clock, ticks, sent, staged, roles, ended, answers, own, ack }
}

describe('PutOperation', () => {
  it('is acknowledged when w disks hold it, this one among them, and ends when all have answered', () => {
    const put = begin()
    put.ack('b')
    expect(put.answers).to.deep.equal([])
    put.own()
    expect([put.answers, put.ended]).to.deep.equal([['2'], []])
    put.ack('c')
    expect(put.ended).to.deep.equal([7])
  })

  it('is not acknowledged after its time, whatever comes first when the process goes on', () => {
    const put = begin()
    put.own()
    put.clock.advance(TIMEOUT_MS + 1)
    put.ack('b')
    expect(put.answers).to.deep.equal(['outcome_unknown'])
    put.ack('c')
    expect([put.answers, put.ended]).to.deep.equal([['outcome_unknown'], [7]])
  })

  it('is not stamped again after its time', () => {
    const put = begin()
    put.own()
    put.clock.advance(TIMEOUT_MS + 1)
    put.ack('b', ABOVE)
    expect([put.answers, put.staged.length]).to.deep.equal([['outcome_unknown'], 0])
  })

  it('is stamped again where an owner holds something higher, and then waits for w disks anew', () => {
    const put = begin()
    put.own()
    put.ack('b', ABOVE)
    expect(put.answers).to.deep.equal([])
    expect(put.staged).to.have.length(1)
    // The first round's answer says nothing of the second.
    put.ack('c')
    put.own()
    expect(put.answers).to.deep.equal([])
    put.ack('b')
    expect(put.answers).to.deep.equal(['2'])
  })

  it('is stamped again as what it was: a fallback is no owner then either', () => {
    const put = begin({ self: 'd' })
    put.own()
    put.ack('b', ABOVE)
    expect(put.roles).to.deep.equal(['fallback', 'fallback'])
  })

  it('is refused, and does nothing, where this node is no owner and has no room for a hint', () => {
    expect(() => begin({ self: 'd', full: true })).to.throw(KvError, 'full')
    expect(begin({ full: true }).staged).to.have.length(1)
  })

  it('has an unknown outcome where it cannot be stamped again because another write has replaced it', () => {
    const put = begin({ replaced: true })
    put.own()
    put.ack('b', ABOVE)
    expect(put.answers).to.deep.equal(['outcome_unknown'])
  })

  it('is acknowledged with the disks of the first round where all versions are kept, and another has replaced it', () => {
    const put = begin({ replaced: true, conflicts: 'siblings' })
    put.own()
    put.ack('b', ABOVE)
    expect(put.answers).to.deep.equal(['2'])
  })

  it('waits for owners that need not be filled first, as long as there are such', () => {
    const put = begin({ unfilled: ['b'] })
    put.own()
    put.ack('b')
    expect(put.answers).to.deep.equal([])
    put.ack('c')
    expect(put.answers).to.deep.equal(['2'])
  })

  it('counts owners that have to be filled where nothing better is left, and says so', () => {
    const put = begin({ unfilled: ['a', 'b'] })
    put.own()
    put.ack('b')
    expect(put.answers).to.deep.equal([])
    put.ack('c')
    expect(put.answers).to.deep.equal(['3 sloppy'])
  })

  it('counts them as soon as it has to leave a hint, and never when strict', () => {
    const put = begin({ unfilled: ['b'], down: ['c'] })
    put.own()
    put.ack('b')
    expect(put.answers).to.deep.equal(['2 sloppy'])
    const strict = begin({ unfilled: ['b'], strict: true })
    strict.own()
    strict.ack('b')
    strict.ticks.advance(HINT_AFTER_MS + 20)
    strict.ack('d', undefined, 'c')
    expect(strict.answers).to.deep.equal([])
    strict.ack('c')
    expect(strict.answers).to.deep.equal(['2'])
  })

  it('leaves a hint for an owner out of reach at once, and for one that does not answer after a while', () => {
    const put = begin({ down: ['b'] })
    expect(put.sent.map(({ node, hintFor }) => `${node} ${hintFor}`)).to.deep.equal(['d b', 'c '])
    put.own()
    put.ack('d', undefined, 'b')
    expect(put.answers).to.deep.equal(['2 sloppy'])
    put.ticks.advance(HINT_AFTER_MS + 20)
    expect(put.sent.map(({ node, hintFor }) => `${node} ${hintFor}`)).to.deep.equal(['c ', 'e c'])
  })
})
