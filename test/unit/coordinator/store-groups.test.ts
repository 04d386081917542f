import { expect } from 'chai'
import { StoreGroups } from '../../../server/coordinator/store-groups.ts'
import type { StoreAck } from '../../../server/replica/replica.ts'
import type { Method, Reply, Rpc } from '../../../server/rpc/method.ts'
import { STORE, type StoreRequest } from '../../../server/rpc/replica-methods.ts'
import {
  MAX_GROUP,
  STORE_GROUP,
  type StoreGroupRequest,
  type StoreGroupResponse,
} from '../../../server/rpc/store-group-method.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../../shared/wire.ts'

interface Call {
  readonly to: string
  readonly method: string
  readonly keys: readonly string[]
  readonly timeoutMs: number
  readonly done: Reply<unknown>
}

const ACK: StoreAck = { outrankedBy: undefined, complete: true }
const OUTRANKED: StoreAck = { outrankedBy: { wallMs: 7, logical: 1 }, complete: false }

/** Passes requests and answers through their encodings. */
function pass<T>(
  { write, read }: { write: (writer: ByteWriter, value: T) => void; read: (reader: ByteReader) => T },
  value: T,
): T {
  const writer = new ByteWriter()
  write(writer, value)
  const reader = new ByteReader(writer.finish())
  const passed = read(reader)
  reader.done()
  return passed
}

function setUp() {
  const calls: Call[] = []
  const call = (
    to: string,
    method: Method<unknown, unknown>,
    request: unknown,
    timeoutMs: number,
    done: Reply<unknown>,
  ) => {
    const sent = pass(method.request, request)
    const records = method.id === STORE.id ? [sent as StoreRequest] : (sent as StoreGroupRequest).records
    calls.push({ to, method: method.name, keys: records.map(({ key }) => key), timeoutMs, done })
  }
  const groups = new StoreGroups({ rpc: { call } as unknown as Rpc })
  const heard = new Map<string, StoreAck | string | undefined>()
  const store = (to: string, name: string, { bytes = 10, timeoutMs = 100 } = {}) =>
    groups.store(
      to,
      { key: keyFromText(name), hintFor: '', bytes: Buffer.alloc(bytes), fresh: true },
      timeoutMs,
      (error, ack) => heard.set(name, error?.code ?? ack),
    )
  return { calls, heard, store, turn: () => Promise.resolve() }
}

describe('StoreGroups', () => {
  it('sends what comes together for one peer in one message, and nothing before', async () => {
    const { calls, store, turn } = setUp()
    for (const name of ['a', 'b', 'c']) store('n2', name)
    store('n3', 'd', { timeoutMs: 5 })
    expect(calls).to.have.length(0)
    await turn()
    expect(calls.map(({ to, method, keys }) => ({ to, method, keys }))).to.deep.equal([
      { to: 'n2', method: 'store-group', keys: ['a', 'b', 'c'] },
      { to: 'n3', method: 'store', keys: ['d'] },
    ])
    store('n2', 'e')
    await turn()
    expect(calls.at(-1)?.keys).to.deep.equal(['e'])
  })

  it('tells each record its own outcome', async () => {
    const { calls, heard, store, turn } = setUp()
    for (const name of ['a', 'b', 'c']) store('n2', name)
    await turn()
    const outcomes = [ACK, new KvError('overloaded', 'no room'), OUTRANKED]
    calls[0]?.done(undefined, pass<StoreGroupResponse>(STORE_GROUP.response, { outcomes }))
    expect([...heard]).to.deep.equal([
      ['a', ACK],
      ['b', 'overloaded'],
      ['c', OUTRANKED],
    ])
  })

  it('tells all of them what became of the message', async () => {
    const { calls, heard, store, turn } = setUp()
    for (const name of ['a', 'b']) store('n2', name)
    await turn()
    calls[0]?.done(new KvError('no_quorum', 'no link'))
    expect([...heard.values()]).to.deep.equal(['no_quorum', 'no_quorum'])
  })

  it('takes a record that an answer leaves out for one of unknown outcome', async () => {
    const { calls, heard, store, turn } = setUp()
    for (const name of ['a', 'b']) store('n2', name)
    await turn()
    calls[0]?.done(undefined, { outcomes: [ACK] })
    expect(heard.get('b')).to.equal('outcome_unknown')
  })

  it('waits as long as any of the records may', async () => {
    const { calls, store, turn } = setUp()
    store('n2', 'a', { timeoutMs: 10 })
    store('n2', 'b', { timeoutMs: 1000 })
    store('n2', 'c', { timeoutMs: 20 })
    await turn()
    expect(calls[0]?.timeoutMs).to.equal(1000)
  })

  it('sends many records, and large ones, in several messages', async () => {
    const { calls, store, turn } = setUp()
    for (let i = 0; i < MAX_GROUP + 3; i++) store('n2', `k${i}`)
    expect(calls.map(({ keys }) => keys.length)).to.deep.equal([MAX_GROUP])
    for (let i = 0; i < 3; i++) store('n3', `v${i}`, { bytes: 40_000 })
    await turn()
    expect(calls.map(({ to, keys }) => [to, keys.length])).to.deep.equal([
      ['n2', MAX_GROUP],
      ['n3', 2],
      ['n2', 3],
      ['n3', 1],
    ])
  })
})

describe('STORE_GROUP', () => {
  it('refuses a message of no records, or of too many', () => {
    for (const count of [0, MAX_GROUP + 1]) {
      const bytes = new ByteWriter().u16(count).finish()
      expect(() => STORE_GROUP.request.read(new ByteReader(bytes))).to.throw(RangeError)
    }
  })
})
