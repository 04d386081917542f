import { expect } from 'chai'
import { contextOf } from '../../../server/causality/context.ts'
import { type ConflictPolicy, EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { encodeRecord } from '../../../server/causality/record-codec.ts'
import { liveSiblings, writeRecord } from '../../../server/causality/write.ts'
import { keyFromText } from '../../../shared/key.ts'
import type { Evidence } from '../evidence.ts'
import { History, type ReadOp } from '../history.ts'
import { Observations } from '../observations.ts'
import { Prng } from '../prng.ts'
import { CHECKERS } from './checkers.ts'

const OPERATIONS = 150
const CLIENTS = 4
const NODE = 'n1'

/**
 * A store that is trivially correct: one copy of everything, on which one operation acts after the other, each at some
 * moment between its question and its answer. Clients overlap, and write with contexts that have grown old.
 */
function live(seed: number, conflicts: ConflictPolicy): Evidence {
  const prng = new Prng(seed, 'model')
  const history = new History()
  const observations = new Observations()
  const records = new Map<string, KeyRecord>()
  const lastRead = new Map<string, ReadOp>()
  const recordOf = (key: string) => records.get(key) ?? EMPTY_RECORD
  const read = (client: number, key: string, at: number, final: boolean) => {
    const invokedAt = at - prng.below(final ? 1 : 400)
    const op = history.read({ client, key, node: NODE, r: 2, invokedAt, final })
    const values = liveSiblings(recordOf(key), 0, conflicts).map(({ value }) => (value as Buffer).toString())
    const context = contextOf(recordOf(key), at)
    Object.assign(op, { completedAt: at + prng.below(400), outcome: 'ok', values, replies: 2, context })
    lastRead.set(`${client} ${key}`, op)
  }
  for (let at = 1_000; at < 1_000 + OPERATIONS * 100; at += 100) {
    const client = prng.below(CLIENTS)
    const key = `k${prng.below(3)}`
    if (prng.chance(0.5)) {
      read(client, key, at, false)
      continue
    }
    const before = lastRead.get(`${client} ${key}`)
    const invokedAt = at - prng.below(400)
    const basis =
      before !== undefined && before.completedAt < invokedAt && prng.chance(0.7) ? before : undefined
    const deletes = basis !== undefined && prng.chance(0.3)
    const fields = { client, key, w: 2, strict: false, ttlMs: 0, basis, deletes, padding: 0 }
    const write = history.write(fields)
    const value = write.value === null ? null : Buffer.from(write.value)
    const made = { value, expiresAtMs: 0, request: write.request, attempt: 0 }
    const dot = { actor: 'a', counter: at }
    const record = writeRecord(
      recordOf(key),
      { ...made, dot, stamp: { wallMs: at, logical: 0 } },
      basis?.context,
      conflicts,
    )
    records.set(key, record)
    observations.note(key, record)
    const answer = { completedAt: at + prng.below(400), outcome: 'ok' as const, acks: 3, version: `a:${at}` }
    Object.assign(history.attempt(write, NODE, invokedAt), answer)
  }
  for (const key of history.keys()) read(0, key, 1e6, true)
  const finals = [...records].flatMap(([key, record]) =>
    ['n1', 'n2', 'n3'].map((node) => ({
      key,
      node,
      owner: true,
      bytes: encodeRecord(keyFromText(key), record),
      record,
    })),
  )
  return { history, observations, finals, losses: [], gauges: [], conflicts, n: 3, hints: true }
}

describe('a store that is trivially correct', () => {
  for (const conflicts of ['lww', 'siblings'] as const) {
    it(`raises no alarm (${conflicts})`, () => {
      for (let seed = 1; seed <= 50; seed++) {
        const evidence = live(seed, conflicts)
        const violations = CHECKERS.flatMap((check) => check(evidence))
        expect(violations, `seed ${seed}`).to.deep.equal([])
      }
    })

    it(`raises one as soon as a single value is missing in the end (${conflicts})`, () => {
      for (let seed = 1; seed <= 50; seed++) {
        const evidence = live(seed, conflicts)
        const lost = evidence.finals.find(({ record }) => record?.siblings[0]?.value !== null)?.key
        const finals = evidence.finals.map((copy) =>
          copy.key === lost ? { ...copy, bytes: undefined, record: undefined } : copy,
        )
        const bereft = { ...evidence, finals }
        const violations = CHECKERS.flatMap((check) => check(bereft))
        expect(
          violations.map(({ checker }) => checker),
          `seed ${seed}`,
        ).to.include('durability')
      }
    })
  }
})
