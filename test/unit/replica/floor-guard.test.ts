import { expect } from 'chai'
import { NO_FLOOR } from '../../../server/causality/floor.ts'
import type { Written } from '../../../server/replica/replica.ts'
import { slotOf } from '../../../shared/slot.ts'
import { decoded, KEY, startNode, values } from './replica-node.ts'

describe('FloorGuard', () => {
  const slot = slotOf(KEY)
  const floorAt = ({ dot }: Written) => ({ ...NO_FLOOR, vector: new Map([[dot.actor, dot.counter]]) })
  const codeOf = async (
    node: Awaited<ReturnType<typeof startNode>>,
    written: Written,
    origin: 'write' | 'mend' | 'owner',
  ) => {
    let code = 'ok'
    node.replica.store(node.data, KEY, written.bytes, origin, (error) => {
      code = error?.code ?? 'ok'
    })
    await node.flush()
    return code
  }

  it('refuses a write that comes after its promise, and takes one that is above it', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const early = a.write('early')
    const next = a.write('next', { request: 'p' })
    b.floors.promise(slot, { round: 'r', vector: floorAt(early).vector })
    expect(await codeOf(b, early, 'write')).to.equal('outcome_unknown')
    expect(values(b.record())).to.deep.equal([])
    expect(await codeOf(b, next, 'write')).to.equal('ok')
    // What an owner has missed is still brought to it: nothing has been collected yet.
    const c = await startNode('c')
    c.floors.promise(slot, { round: 'r', vector: floorAt(early).vector })
    expect(await codeOf(c, early, 'mend')).to.equal('ok')
    expect(await codeOf(c, early, 'write')).to.equal('ok')
  })

  it('does not bring back what was collected, whoever sends it', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const old = a.write('old')
    b.floors.raise(slot, floorAt(old))
    expect(await codeOf(b, old, 'mend')).to.equal('ok')
    expect(await codeOf(b, old, 'owner')).to.equal('ok')
    expect(await codeOf(b, old, 'write')).to.equal('outcome_unknown')
    b.replica.absorb(b.data, KEY, decoded(old))
    expect(values(b.record())).to.deep.equal([])
  })

  it('puts away a tombstone that is due when a newer value comes, on whatever way', async () => {
    for (const state of ['raise', 'adopt'] as const) {
      const [a, b] = [await startNode('a', 'siblings'), await startNode('b', 'siblings')]
      const deletion = b.write('', { value: null })
      const newer = a.write('newer', { request: 'p' })
      b.floors[state](slot, floorAt(deletion))
      // The tombstone once more says nothing new.
      expect(await codeOf(b, deletion, 'owner')).to.equal('ok')
      expect(values(b.record())).to.deep.equal([undefined])
      expect(await codeOf(b, newer, 'write')).to.equal('ok')
      expect(values(b.record())).to.deep.equal(['newer'])
      expect(b.record().past.get(deletion.dot.actor)).to.equal(deletion.dot.counter)
      for (const way of ['written here', 'absorbed']) {
        const c = await startNode('c', 'siblings')
        const due = c.write('', { value: null })
        c.floors[state](slot, floorAt(due))
        if (way === 'absorbed') c.replica.absorb(c.data, KEY, decoded(newer))
        else c.write('newer', { request: 'p' })
        expect(values(c.record()), way).to.deep.equal(['newer'])
      }
    }
  })

  it('takes only what the owner says that it is being compared with', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const old = a.write('old')
    b.floors.adopt(slot, floorAt(old))
    expect(await codeOf(b, old, 'mend')).to.equal('overloaded')
    expect(await codeOf(b, old, 'write')).to.equal('outcome_unknown')
    expect(await codeOf(b, old, 'owner')).to.equal('ok')
    expect(values(b.record())).to.deep.equal(['old'])
  })
})
