import { expect } from 'chai'
import { type Context, contextOf } from '../../server/causality/context.ts'
import { mergeRecords } from '../../server/causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../../server/causality/record.ts'
import { liveSiblings, writeRecord } from '../../server/causality/write.ts'
import { Prng } from '../simulation/prng.ts'

const WRITES = 10_000
const REPLICAS = 3
const QUORUM = 2

/** Replicas of one key under `siblings`; a write reaches a quorum at once, and the others perhaps later. */
class Key {
  readonly replicas: KeyRecord[] = Array(REPLICAS).fill(EMPTY_RECORD)
  private counter = 0

  constructor(private readonly prng: Prng) {}

  private quorum(): number[] {
    const order = [0, 1, 2].map((i) => [this.prng.below(1_000_000), i] as const).sort(([a], [b]) => a - b)
    return order.slice(0, QUORUM).map(([, i]) => i)
  }

  read(): Context {
    const found = this.quorum().map((i) => this.replicas[i] as KeyRecord)
    return contextOf(found.reduce(mergeRecords), this.counter)
  }

  write(writer: number, context: Context): void {
    const [coordinator, ...others] = this.quorum() as [number, ...number[]]
    const counter = ++this.counter
    const stamp = { wallMs: counter, logical: 0 }
    const write = { value: Buffer.from(String(writer)), expiresAtMs: 0, request: '', attempt: 0, stamp }
    const dot = { actor: `n${coordinator}`, counter }
    const before = this.replicas[coordinator] as KeyRecord
    const written = writeRecord(before, { ...write, dot }, context, 'siblings')
    this.replicas[coordinator] = written
    for (const other of others)
      this.replicas[other] = mergeRecords(this.replicas[other] as KeyRecord, written)
  }

  exchange(): void {
    const [a, b] = [this.prng.below(REPLICAS), this.prng.below(REPLICAS)]
    this.replicas[a] = mergeRecords(this.replicas[a] as KeyRecord, this.replicas[b] as KeyRecord)
  }

  get siblings(): number {
    return liveSiblings(this.replicas.reduce(mergeRecords), 0, 'siblings').length
  }

  /** What a version vector must not do however long the key is written. */
  get actors(): number {
    return this.replicas.reduce(mergeRecords).past.size
  }
}

describe('writers with stale contexts', () => {
  for (const writers of [1, 2, 5, 20]) {
    it(`${writers} of them leave at most as many siblings as they are, after ${WRITES} writes`, () => {
      const prng = new Prng(writers, 'stale writers')
      const key = new Key(prng)
      const contexts: (Context | undefined)[] = Array(writers).fill(undefined)
      let most = 0
      for (let written = 0; written < WRITES; ) {
        const writer = prng.below(writers)
        const context = contexts[writer]
        if (context === undefined) contexts[writer] = key.read()
        else {
          key.write(writer, context)
          contexts[writer] = undefined
          written++
          most = Math.max(most, key.siblings)
        }
        if (prng.chance(0.3)) key.exchange()
      }
      expect(most).to.be.at.most(writers)
      if (writers > 1) expect(most).to.be.above(1)
      expect(key.actors).to.be.at.most(REPLICAS)
    })
  }

  it('would leave more if they did not read what they had written', () => {
    const key = new Key(new Prng(1, 'stale writers'))
    const context = key.read()
    for (let i = 0; i < 10; i++) key.write(0, context)
    expect(key.siblings).to.equal(10)
  })
})
