import { expect } from 'chai'
import fc from 'fast-check'
import { decodeContextToken, encodeContextToken } from '../../../server/causality/context-token.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'

const SECRET = Buffer.from('one secret')
const KEY = keyFromText('a key')
const VECTOR = new Map([
  ['n2.f00.1', 17],
  ['n1.beef.x', 9_007_199_254_740_991],
])
const seen = [
  {
    request: 'p',
    attempt: 2,
    dot: { actor: 'n1.beef.x', counter: 5 },
    seen: true,
    wallMs: 1_700_000_000_000,
  },
  { request: 'q', attempt: 0, dot: { actor: 'n2.f00.1', counter: 17 }, seen: true, wallMs: 0 },
]
const CONTEXT = { vector: VECTOR, seen }

function refused(run: () => unknown): void {
  expect(run).to.throw(KvError).with.property('code', 'usage')
}

describe('context tokens', () => {
  it('give back any vector', () => {
    const entry = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.maxSafeNat())
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const vector = new Map(entries)
        const token = encodeContextToken(KEY, { vector, seen: [] }, SECRET)
        expect(token).to.match(/^[A-Za-z0-9_-]+$/)
        expect(decodeContextToken(KEY, token, SECRET)).to.deep.equal({ vector, seen: [] })
      }),
    )
  })

  it('give back the requests whose values were seen', () => {
    expect(decodeContextToken(KEY, encodeContextToken(KEY, CONTEXT, SECRET), SECRET)).to.deep.equal(CONTEXT)
  })

  it('are refused with a request of an event that they do not know, out of order, or without end', () => {
    const one = seen[0] as (typeof seen)[0]
    const unknown = { ...one, dot: { actor: 'n1.beef.x', counter: 0 }, request: 'a' }
    for (const wrong of [
      [{ ...one, dot: { actor: 'n2.f00.1', counter: 18 } }],
      [...seen].reverse(),
      [unknown, unknown],
      Array.from({ length: 65 }, (_, i) => ({ ...one, request: `p${String(i).padStart(2, '0')}` })),
    ]) {
      refused(() =>
        decodeContextToken(KEY, encodeContextToken(KEY, { vector: VECTOR, seen: wrong }, SECRET), SECRET),
      )
    }
  })

  it('are the same for the same vector', () => {
    const turned = new Map([...VECTOR].reverse())
    expect(encodeContextToken(KEY, { vector: turned, seen }, SECRET)).to.equal(
      encodeContextToken(KEY, CONTEXT, SECRET),
    )
  })

  it('are refused for another key or with another secret', () => {
    const token = encodeContextToken(KEY, CONTEXT, SECRET)
    refused(() => decodeContextToken(keyFromText('another'), token, SECRET))
    refused(() => decodeContextToken(KEY, token, Buffer.from('another')))
  })

  it('are refused with any character changed, missing or added', () => {
    const token = encodeContextToken(KEY, CONTEXT, SECRET)
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === 'A' ? 'B' : 'A'
      refused(() => decodeContextToken(KEY, token.slice(0, i) + other + token.slice(i + 1), SECRET))
      refused(() => decodeContextToken(KEY, token.slice(0, i), SECRET))
    }
    for (const end of ['A', '=', ' ', '\n', '%']) refused(() => decodeContextToken(KEY, token + end, SECRET))
  })

  it('are refused when they are not tokens at all', () => {
    for (const text of ['', '-', 'AAAA', 'not a token', 'é', 'A'.repeat(1_000_000)]) {
      refused(() => decodeContextToken(KEY, text, SECRET))
    }
    fc.assert(fc.property(fc.base64String(), (text) => refused(() => decodeContextToken(KEY, text, SECRET))))
  })
})
