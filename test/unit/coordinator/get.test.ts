import { expect } from 'chai'
import {
  type GetAnswer,
  type GetComponents,
  GetOperation,
  HINTS_PATIENCE_MS,
} from '../../../server/coordinator/get.ts'
import type { GetCore } from '../../../server/coordinator/get-core.ts'
import type { FetchReply } from '../../../server/coordinator/holders.ts'
import { Deadlines } from '../../../server/rpc/deadlines.ts'
import type { FetchResponse } from '../../../server/rpc/replica-methods.ts'
import { Counters } from '../../../shared/counters.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'
import { encodedOf } from '../records.ts'

const KEY = keyFromText('k')
const TIMEOUT_MS = 2_000
const EXPECTED_MS = 50

interface Ring {
  readonly self?: string
  readonly r?: number
  readonly down?: readonly string[]
  /** Who says that it keeps hints for `a`. */
  readonly hintHolders?: readonly string[]
  /** Hints for `a` may lie with somebody out of reach. */
  readonly unseen?: boolean
  readonly ownersMoved?: boolean
}

/** A read of a key of a, b and c, for whom d and e stand in. */
function begin({
  self = 'a',
  r = 2,
  down = [],
  hintHolders = [],
  unseen = false,
  ownersMoved = false,
}: Ring = {}) {
  const clock = new ManualClock()
  const calls: { node: string; onFloor: boolean; done: FetchReply }[] = []
  const mended: GetCore[] = []
  const components = {
    clock,
    ring: {
      reachable: (id: string) => !down.includes(id),
      hintHolders: (owner: string) => (owner === 'a' ? hintHolders : []),
      mayHoldHintsElsewhere: (owner: string) => owner === 'a' && unseen,
    },
    holders: {
      fetch: (node: string, _key: unknown, onFloor: boolean, _timeoutMs: number, done: FetchReply) =>
        void calls.push({ node, onFloor, done }),
    },
    deadlines: new Deadlines(clock),
    latency: { ms: EXPECTED_MS, observe: () => undefined },
    repair: { mend: (_key: unknown, core: GetCore) => void mended.push(core) },
    counters: new Counters(),
  } as unknown as GetComponents
  const answers: (GetAnswer | string)[] = []
  const plan = {
    self,
    owners: ['a', 'b', 'c'],
    preference: ['a', 'b', 'c', 'd', 'e'],
    ownersMoved,
    r,
    timeoutMs: TIMEOUT_MS,
  }
  new GetOperation(components, KEY, plan, (error, answer) =>
    answers.push(error?.code ?? (answer as GetAnswer)),
  ).start()
  const take = (node: string) => {
    const at = calls.findIndex((call) => call.node === node)
    const [call] = at < 0 ? [] : calls.splice(at, 1)
    if (call === undefined) throw new Error(`${node} is not asked, but ${calls.map((one) => one.node)}`)
    return call
  }
  const reply = (node: string, held: Partial<FetchResponse> = {}) =>
    take(node).done(undefined, { bytes: Buffer.alloc(0), floor: 0, complete: true, wallMs: 0, ...held })
  const fail = (node: string) => take(node).done(new KvError('outcome_unknown', 'the link was lost'))
  const only = () => {
    const [answer] = answers
    if (answers.length !== 1 || typeof answer !== 'object') throw new Error(`no answer, but ${answers}`)
    return answer
  }
  const asked = () => calls.map(({ node }) => node).sort()
  return { clock, calls, asked, mended, answers, take, reply, fail, only }
}

const bytesOf = (actor: string, counter = 1) => encodedOf(KEY, actor, counter)
const actorsOf = ({ record }: GetAnswer) => record.siblings.map(({ dot }) => dot.actor)

describe('GetOperation', () => {
  it('answers when r owners have, with all that they hold', () => {
    const read = begin()
    expect(read.asked()).to.deep.equal(['a', 'b'])
    read.reply('a', { bytes: bytesOf('x') })
    expect(read.answers).to.deep.equal([])
    read.reply('b', { bytes: bytesOf('y') })
    expect(actorsOf(read.only())).to.deep.equal(['x', 'y'])
    expect(read.only()).to.include({ replies: 2, ownersReplied: 2, sloppy: false })
  })

  it('waits for those who keep hints for an owner that it asks, and shows what is in them', () => {
    const read = begin({ hintHolders: ['d'] })
    read.reply('a')
    read.reply('b')
    expect(read.answers).to.deep.equal([])
    read.reply('d', { bytes: bytesOf('hinted') })
    expect(actorsOf(read.only())).to.deep.equal(['hinted'])
    expect(read.only()).to.include({ replies: 2, sloppy: false })
  })

  it('asks an owner that keeps hints only where it may have got them before it was one', () => {
    const before = begin({ r: 1, hintHolders: ['c'] })
    before.reply('a')
    expect([before.asked(), before.answers.length]).to.deep.equal([[], 1])
    const moved = begin({ r: 1, hintHolders: ['c'], ownersMoved: true })
    moved.reply('a')
    expect(moved.answers).to.deep.equal([])
    moved.reply('c', { bytes: bytesOf('hinted') })
    expect(actorsOf(moved.only())).to.deep.equal(['hinted'])
    expect(moved.only()).to.include({ replies: 1, sloppy: false })
  })

  it('may still count that owner in the place of another', () => {
    const read = begin({ down: ['b'], hintHolders: ['c'], ownersMoved: true })
    expect(read.asked()).to.deep.equal(['a', 'c'])
    const instead = begin({ hintHolders: ['c'], ownersMoved: true })
    instead.reply('a')
    instead.fail('b')
    expect(instead.asked()).to.deep.equal(['c', 'c'])
    instead.reply('c')
    instead.reply('c')
    expect(instead.only()).to.include({ replies: 2, ownersReplied: 2 })
  })

  it('says that it may be incomplete where a holder of hints takes too long', () => {
    const read = begin({ hintHolders: ['d'] })
    read.reply('a')
    read.reply('b')
    read.clock.advance(HINTS_PATIENCE_MS - 50)
    expect(read.answers).to.deep.equal([])
    read.clock.advance(100)
    expect(read.only().sloppy).to.equal(true)
  })

  it('says so where a holder of hints fails, and where hints may lie out of reach', () => {
    const failing = begin({ hintHolders: ['d'] })
    failing.reply('a')
    failing.reply('b')
    failing.fail('d')
    expect(failing.only().sloppy).to.equal(true)
    const unseen = begin({ unseen: true })
    unseen.reply('a')
    unseen.reply('b')
    expect(unseen.only().sloppy).to.equal(true)
  })

  it('says so where it took a fallback to have r answers', () => {
    const read = begin({ down: ['b', 'c'] })
    read.reply('a')
    read.reply('d')
    expect(read.only()).to.include({ replies: 2, ownersReplied: 1, sloppy: true })
  })

  it('looks among its own hints as well where this node is no owner', () => {
    const read = begin({ self: 'e' })
    read.reply('e', { bytes: bytesOf('hinted') })
    read.reply('a')
    read.reply('b')
    expect(actorsOf(read.only())).to.deep.equal(['hinted'])
    expect(read.only()).to.include({ replies: 2, sloppy: false })
  })

  it('asks the next owner in the place of one that fails, or whose disk has lost something', () => {
    const read = begin()
    read.fail('a')
    read.reply('b', { complete: false, bytes: bytesOf('x') })
    read.reply('c')
    expect(read.answers).to.deep.equal([])
    read.reply('d')
    expect(actorsOf(read.only())).to.deep.equal(['x'])
    expect(read.only()).to.include({ replies: 2, ownersReplied: 1, sloppy: true })
  })

  it('asks a spare owner when the usual time has passed', () => {
    const read = begin()
    read.reply('a')
    read.clock.advance(EXPECTED_MS + 20)
    read.reply('c')
    expect(read.only()).to.include({ replies: 2, sloppy: false })
  })

  it('asks nobody where fewer than r are in reach, and gives up when all have failed, or the time is over', () => {
    const alone = begin({ down: ['b', 'c', 'd', 'e'] })
    expect([alone.asked(), alone.answers]).to.deep.equal([[], ['no_quorum']])
    const failing = begin()
    for (const node of ['a', 'b', 'c', 'd', 'e']) failing.fail(node)
    expect(failing.answers).to.deep.equal(['no_quorum'])
    const slow = begin()
    slow.reply('a')
    slow.clock.advance(TIMEOUT_MS + 20)
    expect(slow.answers).to.deep.equal(['read_timeout'])
  })

  it('asks again for what floors add where those of the owners differ', () => {
    const read = begin()
    read.reply('a', { bytes: bytesOf('x') })
    read.reply('b', { floor: 7 })
    expect(read.answers).to.deep.equal([])
    expect(read.calls.map(({ onFloor }) => onFloor)).to.deep.equal([true, true])
    read.reply('a', { bytes: bytesOf('x') })
    read.reply('b', { bytes: bytesOf('y'), floor: 7 })
    expect(actorsOf(read.only())).to.deep.equal(['x', 'y'])
  })

  it('asks no one but owners for what a floor adds: another node lacks everything, and nothing was deleted there', () => {
    const read = begin({ self: 'e', hintHolders: ['d'] })
    expect(read.calls.filter(({ node }) => node === 'e').map(({ onFloor }) => onFloor)).to.deep.equal([false])
    read.reply('e')
    read.reply('d', { bytes: bytesOf('z') })
    read.reply('a', { bytes: bytesOf('x') })
    read.reply('b', { bytes: bytesOf('y'), floor: 7 })
    expect(read.answers).to.deep.equal([])
    const floored = new Map(read.calls.map(({ node, onFloor }) => [node, onFloor]))
    expect([...floored].sort()).to.deep.equal([
      ['a', true],
      ['b', true],
      ['d', false],
      ['e', false],
    ])
  })

  it('has what differs mended once all that were asked have answered', () => {
    const read = begin({ hintHolders: ['d'] })
    read.reply('a')
    read.reply('d')
    read.clock.advance(EXPECTED_MS + 20)
    read.reply('b', { bytes: bytesOf('x') })
    expect([read.answers.length, read.mended.length]).to.deep.equal([1, 0])
    read.reply('c')
    expect(read.mended.map((core) => core.stale().nodes)).to.deep.equal([['a', 'c']])
  })
})
