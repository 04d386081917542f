import { expect } from 'chai'
import type { Context } from '../../server/causality/context.ts'
import type { GetOutcome } from '../../server/coordinator/outcome.ts'
import type { Node } from '../../server/node.ts'
import { KvError } from '../../shared/errors.ts'
import { keyFromText } from '../../shared/key.ts'
import { CalmRing } from './calm-ring.ts'
import { Prng } from './prng.ts'

const WRITERS = 4
const WRITES = 10_000

const key = keyFromText('cart')
const get = (node: Node) => node.coordinator.get(key, {})
const textsOf = ({ values }: GetOutcome) => values.map(({ value }) => value.toString()).sort()

describe('concurrent values of a key, in a ring', function () {
  this.timeout(300_000)

  let ring: CalmRing
  beforeEach(async () => {
    ring = new CalmRing('siblings')
    await ring.start()
  })

  const put = (text: string | null, context?: Context) => (node: Node) =>
    node.coordinator.put(key, text === null ? null : Buffer.from(text), { context })

  it('are no more than the writers, however stale their contexts are', async () => {
    const prng = new Prng(3, 'writers')
    const contexts: (Context | undefined)[] = Array(WRITERS).fill(undefined)
    let written = 0
    let most = 0
    const act = async (node: Node, writer: number): Promise<void> => {
      const context = contexts[writer]
      if (context === undefined) {
        const read = await get(node)
        contexts[writer] = read.context
        most = Math.max(most, read.values.length)
        return
      }
      contexts[writer] = undefined
      await put(`${writer}: ${written++}`, context)(node)
    }
    while (written < WRITES) {
      // One or several of them at the same time, in any order, each at a node of its own choice.
      const acting = [...contexts.keys()].filter(() => prng.chance(0.5))
      await ring.askAll(
        acting.map((writer) => [`n${prng.between(1, 5)}`, (node: Node) => act(node, writer)] as const),
      )
    }
    expect(most).to.be.within(2, WRITERS)
    const report = await ring.ask('n1', (node) => node.keys.explain(key))
    for (const { copy } of report.nodes) expect(copy?.versions.length ?? 0).to.be.at.most(WRITERS)
    expect(report.merged?.versions.length).to.be.within(1, WRITERS)
  })

  it('are replaced by a write with the context of a read, and by no more than that', async () => {
    for (const text of ['a', 'b', 'c']) await ring.ask('n1', put(text))
    const read = await ring.ask('n2', get)
    expect(textsOf(read)).to.deep.equal(['a', 'b', 'c'])
    await ring.ask('n3', put('meanwhile'))
    await ring.ask('n4', put('resolved', read.context))
    expect(textsOf(await ring.ask('n5', get))).to.deep.equal(['meanwhile', 'resolved'])
  })

  it('stay beside a delete that has not seen them', async () => {
    await ring.ask('n1', put('a'))
    const { context } = await ring.ask('n2', get)
    await ring.ask('n1', put('b'))
    await ring.ask('n3', put(null, context))
    expect(textsOf(await ring.ask('n4', get))).to.deep.equal(['b'])
  })

  it('are a hundred at most: one more is refused, and those that are there can be resolved', async () => {
    for (let i = 0; i < 100; i++) await ring.ask('n1', put(String(i)))
    const refused = await ring.ask('n1', put('too many')).then(
      () => undefined,
      (error: unknown) => error as KvError,
    )
    expect(refused).to.be.instanceOf(KvError)
    expect(refused?.code).to.equal('conflict')
    expect(refused?.message).to.match(/^cart has 100 concurrent values already/)
    const read = await ring.ask('n2', get)
    expect(read.values).to.have.length(100)
    await ring.ask('n2', put('one', read.context))
    expect(textsOf(await ring.ask('n3', get))).to.deep.equal(['one'])
  })
})
