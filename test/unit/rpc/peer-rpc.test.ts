import { expect } from 'chai'
import type { Network } from '../../../server/ports/network.ts'
import type { Method } from '../../../server/rpc/method.ts'
import { PeerRpc } from '../../../server/rpc/peer-rpc.ts'
import { Prng } from '../../simulation/prng.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import { ManualClock } from '../manual-clock.ts'
import { silentTrace } from '../silent-trace.ts'

const text = { write: (writer: { text(value: string): unknown }, value: string) => void writer.text(value) }
const reading = { read: (reader: { text(): string }) => reader.text() }
const codec = { ...text, ...reading }
const DATA: Method<string, string> = { id: 100, name: 'data', request: codec, response: codec }
const NEWS: Method<string, string> = {
  id: 101,
  name: 'news',
  anyLayout: true,
  request: codec,
  response: codec,
}

/** Two nodes, and what they say to each other, delivered when the test says so. */
function pair() {
  const handlers = new Map<string, (from: string, message: Buffer) => void>()
  const versions = { a: 1, b: 1 }
  const behind: string[] = []
  const served: string[] = []
  const messages: (() => void)[] = []
  const deliver = () => {
    for (let next = messages.shift(); next !== undefined; next = messages.shift()) next()
  }
  const make = (id: 'a' | 'b', other: 'a' | 'b') => {
    const network = {
      send: (to: string, message: Buffer) => {
        messages.push(() => handlers.get(to)?.(id, message))
        return true
      },
      connected: () => true,
      onMessage: (handler: (from: string, message: Buffer) => void) => void handlers.set(id, handler),
      onLink: () => undefined,
    } as unknown as Network
    const random = new SeededRandom({ prng: new Prng(id === 'a' ? 1 : 2, id) })
    const layouts = {
      version: () => versions[id],
      placedIn: () => 1,
      removed: () => false,
      behind: (peer: string, version: number) => void behind.push(`${id} is behind ${peer}: ${version}`),
    }
    const rpc = new PeerRpc({ clock: new ManualClock(), random, network, trace: silentTrace, layouts })
    for (const method of [DATA, NEWS])
      rpc.handle(method, (from, request, reply) => {
        served.push(`${id} serves ${from}: ${request}`)
        reply(undefined, `${request} from ${id}`)
      })
    const answers: string[] = []
    const ask = (method: Method<string, string>, request: string) =>
      rpc.call(other, method, request, 1_000, (error, response) =>
        answers.push(response ?? error?.code ?? ''),
      )
    return { rpc, ask, answers }
  }
  return { a: make('a', 'b'), b: make('b', 'a'), versions, behind, served, deliver }
}

describe('requests between nodes with different layouts', () => {
  it('wait at a node that is behind until it is not, and are served once then', () => {
    const { a, b, versions, behind, served, deliver } = pair()
    versions.a = 2
    a.ask(DATA, 'x')
    deliver()
    expect([a.answers, behind, served]).to.deep.equal([[], ['b is behind a: 2'], []])
    a.ask(NEWS, 'y')
    deliver()
    expect(a.answers).to.deep.equal(['y from b'])
    versions.b = 2
    b.rpc.layoutChanged()
    b.rpc.layoutChanged()
    deliver()
    expect(a.answers).to.deep.equal(['y from b', 'x from b'])
    expect(served).to.deep.equal(['b serves a: y', 'b serves a: x'])
  })

  it('go to a node that is ahead, whose answer waits', () => {
    const { a, b, versions, behind, served, deliver } = pair()
    versions.a = 2
    b.ask(DATA, 'x')
    deliver()
    expect([b.answers, behind, served]).to.deep.equal([[], ['b is behind a: 2'], ['a serves b: x']])
    versions.b = 2
    b.rpc.layoutChanged()
    deliver()
    expect(b.answers).to.deep.equal(['x from a'])
    expect(a.rpc.waiting + b.rpc.waiting).to.equal(0)
  })
})
