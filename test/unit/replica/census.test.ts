import { expect } from 'chai'
import { EMPTY_RECORD, type KeyRecord } from '../../../server/causality/record.ts'
import { Census } from '../../../server/replica/census.ts'
import { keyFromText } from '../../../shared/key.ts'

function record(...values: (string | null)[]): KeyRecord {
  const siblings = values.map((value, index) => ({
    dot: { actor: 'a', counter: index + 1 },
    stamp: { wallMs: index + 1, logical: 0 },
    value: value === null ? null : Buffer.from(value),
    expiresAtMs: 0,
    request: '',
    attempt: 0,
  }))
  return { past: new Map(), siblings, retired: [] }
}

const KEY = keyFromText('key')
const K = keyFromText('k')

describe('Census', () => {
  it('follows keys, tombstones and bytes from record to record', () => {
    const census = new Census({ policy: () => 'lww' })
    census.replace(KEY, EMPTY_RECORD, record('hello'))
    expect([census.keys, census.tombstones, census.bytes]).to.deep.equal([1, 0, 8])
    census.replace(KEY, record('hello'), record(null))
    expect([census.keys, census.tombstones, census.bytes]).to.deep.equal([0, 1, 3])
    census.replace(KEY, record(null), EMPTY_RECORD)
    expect([census.keys, census.tombstones, census.bytes]).to.deep.equal([0, 0, 0])
  })

  it('counts by what a reader sees: the winner, or any of the siblings', () => {
    const hidden = record('older', null)
    const lww = new Census({ policy: () => 'lww' })
    lww.replace(K, EMPTY_RECORD, hidden)
    expect([lww.keys, lww.tombstones]).to.deep.equal([0, 1])
    const siblings = new Census({ policy: () => 'siblings' })
    siblings.replace(K, EMPTY_RECORD, hidden)
    expect([siblings.keys, siblings.tombstones]).to.deep.equal([1, 0])
  })

  it('counts a record once that takes the place of a damaged one', () => {
    const census = new Census({ policy: () => 'lww' })
    census.replace(KEY, EMPTY_RECORD, record('hello'))
    census.spoilt(KEY)
    census.replace(KEY, EMPTY_RECORD, record('hello'))
    expect([census.keys, census.tombstones, census.bytes]).to.deep.equal([1, 0, 8])
    census.replace(KEY, record('hello'), record(null))
    expect([census.keys, census.tombstones, census.bytes]).to.deep.equal([0, 1, 3])
  })

  it('comes back from what it wrote', () => {
    const census = new Census({ policy: () => 'lww' })
    census.replace(KEY, EMPTY_RECORD, record('hello'))
    const op = census.op()
    const again = new Census({ policy: () => 'lww' })
    again.recover(op.type === 'put' ? op.value : undefined)
    expect([again.keys, again.tombstones, again.bytes]).to.deep.equal([1, 0, 8])
  })
})
