import { expect } from 'chai'
import { contextOf } from '../../../server/causality/context.ts'
import { mergeRecords } from '../../../server/causality/merge.ts'
import { MAX_SIBLINGS } from '../../../server/causality/record.ts'
import { decodeRecord } from '../../../server/causality/record-codec.ts'
import { winner } from '../../../server/causality/write.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import type { StoreAck, Written } from '../../../server/replica/replica.ts'
import { KvError } from '../../../shared/errors.ts'
import { settle } from './manual-storage.ts'
import { decoded, KEY, startNode, values } from './replica-node.ts'

describe('Replica', () => {
  it('takes over what an earlier attempt has left, with a new stamp', async () => {
    for (const policy of ['lww', 'siblings'] as const) {
      const node = await startNode('a', policy)
      const first = node.write('1')
      node.clock.advance(1_000)
      const second = node.write('1', { attempt: 1 })
      const [sibling, ...more] = decoded(second).siblings
      expect([sibling?.attempt, more]).to.deep.equal([1, []])
      expect((sibling?.stamp.wallMs ?? 0) - (decoded(first).siblings[0]?.stamp.wallMs ?? 0)).to.equal(1_000)
      expect(second.dot.counter - first.dot.counter, policy).to.equal(policy === 'lww' ? 1 : 0)
    }
  })

  it('lifts a write above what has replaced it elsewhere for its rank', async () => {
    const [a, b, c] = [await startNode('a'), await startNode('b'), await startNode('c')]
    const first = a.write('1')
    c.clock.advance(1_000)
    const older = c.write('older, of a fast clock', { request: 'o' })
    b.replica.store(b.data, KEY, first.bytes, 'write', () => undefined)
    b.clock.advance(10)
    b.write('between', { request: 'p' })
    await a.flush()
    a.replica.absorb(a.data, KEY, decoded(older))
    const fields = { value: Buffer.from('1'), ttlMs: 0, context: undefined, request: 'q', attempt: 0 }
    const lifted = a.replica.restamp(a.data, 'owner', KEY, first.dot, fields, () => undefined) as Written
    b.replica.store(b.data, KEY, lifted.bytes, 'write', () => undefined)
    expect(winner(b.record())?.value?.toString()).to.equal('1')
    expect(
      winner(mergeRecords(mergeRecords(b.record(), c.record()), a.record()))?.value?.toString(),
    ).to.equal('1')
  })

  it('lifts no write above one whose writer had seen it', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const first = a.write('1')
    const context = contextOf(decoded(first), 0)
    b.write('2', { request: 'p', context })
    a.clock.advance(1_000)
    const lifted = a.write('1', { attempt: 1 })
    b.replica.store(b.data, KEY, lifted.bytes, 'write', () => undefined)
    expect(winner(b.record())?.value?.toString()).to.equal('2')
    expect(winner(mergeRecords(a.record(), b.record()))?.value?.toString()).to.equal('2')
  })

  it('acknowledges what it has already no sooner than that is durable', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const acks: string[] = []
    const { bytes } = a.write('1', {}, () => acks.push('first'))
    a.write('1', {}, () => acks.push('again'))
    for (const name of ['sent', 'sent again'])
      b.replica.store(b.data, KEY, bytes, 'write', () => acks.push(name))
    await settle()
    expect([a.storage.flights.length, b.storage.flights.length]).to.deep.equal([1, 1])
    expect(acks).to.deep.equal([])
    await a.flush()
    await b.flush()
    expect(acks).to.deep.equal(['first', 'again', 'sent', 'sent again'])
    a.write('1', {}, () => acks.push('later'))
    b.replica.store(b.data, KEY, bytes, 'write', () => acks.push('sent later'))
    await settle()
    expect(acks.slice(4)).to.have.members(['later', 'sent later'])
  })

  it('refuses a stamp too far ahead of its clock, from a peer and under a write that has not seen it', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    b.clock.advance(61_000)
    expect(() => b.write('before the time is reserved')).to.throw(KvError)
    await b.flush()
    const { bytes, dot } = b.write('of tomorrow')
    const codes: unknown[] = []
    a.replica.store(a.data, KEY, bytes, 'write', (error) => codes.push(error?.code))
    a.replica.absorb(a.data, KEY, decodeRecord(KEY, bytes))
    await a.flush()
    expect([codes, values(a.record())]).to.deep.equal([['clock_skew'], []])
    // On the disk all the same, from when the clock was wrong.
    a.storage.durable.set(dataAddress(KEY).toString('latin1'), bytes)
    expect(() => a.write('now', { request: 'p' }))
      .to.throw(KvError)
      .with.property('code', 'clock_skew')
    a.write('now', { request: 'p', context: { vector: new Map([[dot.actor, dot.counter]]), seen: [] } })
    expect(values(a.record())).to.deep.equal(['now'])
  })

  it('acknowledges nothing that a commit has lost, whoever waits for it', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const codes: unknown[] = []
    const note = (error: KvError | undefined) => codes.push(error?.code)
    const { bytes } = a.write('1', {}, note)
    a.write('1', {}, note)
    b.replica.store(b.data, KEY, bytes, 'write', note)
    b.replica.store(b.data, KEY, bytes, 'write', note)
    await settle()
    await a.storage.fail()
    await b.storage.fail()
    expect(codes).to.deep.equal(['storage_failed', 'storage_failed', 'storage_failed', 'storage_failed'])
    expect(a.data.durable(KEY).siblings).to.deep.equal([])
  })

  it('takes deletions, and no values, while the disk has little room', async () => {
    const node = await startNode('a')
    const there = node.write('1')
    const other = await startNode('b')
    const deletion = other.write('', { value: null })
    await other.flush()
    node.storage.short = new KvError('storage_failed', 'hardly any room is left')
    expect(() => node.write('2', { request: 'r' })).to.throw(KvError, 'hardly any room is left')
    const answers: unknown[] = []
    const store = ({ bytes }: Written) =>
      node.replica.store(node.data, KEY, bytes, 'write', (error) => answers.push(error?.message))
    store(there)
    store(deletion)
    node.write('', { value: null, request: 's' })
    await node.flush()
    expect(answers).to.deep.equal(['hardly any room is left', undefined])
    expect(values(node.record())).to.deep.equal([undefined])
  })

  it('leaves a write as it is when the same attempt comes again', async () => {
    const node = await startNode('a')
    const first = node.write('1')
    node.clock.advance(1_000)
    expect(node.write('1').bytes.equals(first.bytes)).to.equal(true)
  })

  it('lifts it all the same where something else ranks above it here', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const first = a.write('1')
    b.clock.advance(1_000)
    const older = b.write('older, of a fast clock', { request: 'o' })
    a.replica.absorb(a.data, KEY, decoded(older))
    expect(winner(a.record())?.request).to.equal('o')
    const again = a.write('1')
    expect(again.dot).to.not.deep.equal(first.dot)
    expect(winner(a.record())?.request).to.equal('q')
  })

  it('refuses an attempt that comes after a later one, with an unknown outcome', async () => {
    const node = await startNode('a')
    node.write('1', { attempt: 2 })
    const before = node.record()
    expect(() => node.write('1', { attempt: 1 }))
      .to.throw(KvError)
      .with.property('code', 'outcome_unknown')
    expect(node.record()).to.equal(before)
  })

  it('does not apply a request again that somebody has seen and replaced', async () => {
    const node = await startNode('a')
    const first = node.write('1')
    const context = { vector: new Map([[first.dot.actor, first.dot.counter]]), seen: [] }
    node.write('2', { request: 'p', context })
    expect(node.write('1', { attempt: 1 }).dot).to.deep.equal(first.dot)
    expect(values(node.record())).to.deep.equal(['2'])
  })

  it('does not vouch for a request that was replaced while something else wins', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    a.clock.advance(1_000)
    const winning = a.write('of a fast clock', { request: 'o' })
    const first = b.write('1')
    b.write('between', { request: 'p', context: contextOf(b.record(), 0) })
    expect(b.write('1', { attempt: 1 }).dot, 'one value is left').to.deep.equal(first.dot)
    b.replica.absorb(b.data, KEY, decoded(winning))
    expect(values(b.record())).to.have.members(['of a fast clock', 'between'])
    expect(() => b.write('1', { attempt: 2 }))
      .to.throw(KvError)
      .with.property('code', 'outcome_unknown')
    const siblings = await startNode('c', 'siblings')
    siblings.replica.absorb(siblings.data, KEY, b.record())
    expect(siblings.write('1', { attempt: 2 }).dot).to.deep.equal(first.dot)
  })

  it('absorbs what was read elsewhere, and finds earlier attempts in it', async () => {
    const a = await startNode('a')
    const b = await startNode('b')
    const first = a.write('1')
    b.replica.absorb(b.data, KEY, decoded(first))
    b.write('1', { attempt: 1 })
    expect(b.record().siblings.map(({ request, attempt }) => [request, attempt])).to.deep.equal([['q', 1]])
  })

  it('stamps a write again where it is still there, and says when it is not', async () => {
    const node = await startNode('a', 'siblings')
    const first = node.write('1')
    const fields = { value: null, ttlMs: 0, context: undefined, request: 'q', attempt: 0 }
    const again = () => node.replica.restamp(node.data, 'owner', KEY, first.dot, fields, () => undefined)
    const before = decoded(first).siblings[0]?.stamp
    expect(decoded(again() as Written).siblings[0]?.stamp).to.not.deep.equal(before)
    expect(values(node.record())).to.deep.equal(['1'])
    node.write('2', { request: 'p', context: contextOf(node.record(), 0) })
    expect(again()).to.equal(undefined)
  })

  it('refuses one concurrent value too many, and takes a write that resolves them', async () => {
    const node = await startNode('a', 'siblings')
    for (let i = 0; i < MAX_SIBLINGS; i++) node.write(`${i}`, { request: '' })
    const full = node.record()
    expect(() => node.write('more', { request: '' }))
      .to.throw(KvError)
      .with.property('code', 'conflict')
    expect(node.record()).to.equal(full)
    node.write('one', { request: '', context: contextOf(full, 0) })
    expect(values(node.record())).to.deep.equal(['one'])
  })

  it('refuses concurrent values of too many bytes', async () => {
    const node = await startNode('a', 'siblings')
    const large = 'x'.repeat(6 << 20)
    node.write(large, { request: '' })
    node.write(large, { request: '' })
    expect(() => node.write(large, { request: '' }))
      .to.throw(KvError)
      .with.property('code', 'conflict')
  })

  it('tells the coordinator by what its write is outranked, and only then', async () => {
    const a = await startNode('a')
    const b = await startNode('b')
    b.clock.advance(1_000)
    const ahead = b.write('ahead', { request: 'p' })
    const low = a.write('low')
    let ack: StoreAck | undefined
    b.replica.store(b.data, KEY, low.bytes, 'write', (_error, answer) => {
      ack = answer
    })
    await b.flush()
    expect(ack?.outrankedBy).to.deep.equal(decoded(ahead).siblings[0]?.stamp)
    a.replica.store(a.data, KEY, ahead.bytes, 'mend', (_error, answer) => {
      ack = answer
    })
    await a.flush()
    expect(ack).to.deep.equal({ outrankedBy: undefined, complete: true })
  })

  it('tells it also of what wins with the same stamp, by its actor', async () => {
    const [a, b] = [await startNode('a'), await startNode('b')]
    const [low, high] = [a.write('low'), b.write('high', { request: 'p' })]
    expect(decoded(low).siblings[0]?.stamp).to.deep.equal(decoded(high).siblings[0]?.stamp)
    const acks: unknown[] = []
    const note = (_error: unknown, ack?: StoreAck) => acks.push(ack?.outrankedBy)
    b.replica.store(b.data, KEY, low.bytes, 'write', note)
    a.replica.store(a.data, KEY, high.bytes, 'write', note)
    await b.flush()
    await a.flush()
    expect(acks).to.deep.equal([decoded(high).siblings[0]?.stamp, undefined])
  })
})
