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

function refused(run: () => unknown): void {
  expect(run).to.throw(KvError).with.property('code', 'usage')
}

describe('context tokens', () => {
  it('give back any vector', () => {
    const entry = fc.tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.maxSafeNat())
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (entries) => {
        const vector = new Map(entries)
        const token = encodeContextToken(KEY, vector, SECRET)
        expect(token).to.match(/^[A-Za-z0-9_-]+$/)
        expect(new Map(decodeContextToken(KEY, token, SECRET))).to.deep.equal(vector)
      }),
    )
  })

  it('are the same for the same vector', () => {
    const turned = new Map([...VECTOR].reverse())
    expect(encodeContextToken(KEY, turned, SECRET)).to.equal(encodeContextToken(KEY, VECTOR, SECRET))
  })

  it('are refused for another key or with another secret', () => {
    const token = encodeContextToken(KEY, VECTOR, SECRET)
    refused(() => decodeContextToken(keyFromText('another'), token, SECRET))
    refused(() => decodeContextToken(KEY, token, Buffer.from('another')))
  })

  it('are refused with any character changed, missing or added', () => {
    const token = encodeContextToken(KEY, VECTOR, SECRET)
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
