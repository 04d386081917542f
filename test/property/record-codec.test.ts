import { expect } from 'chai'
import fc from 'fast-check'
import { compareDots } from '../../server/causality/dot.ts'
import { type KeyRecord, MAX_RETIRED, type Sibling } from '../../server/causality/record.ts'
import { isSealed, seal } from '../../server/causality/record-checksum.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../../server/causality/record-codec.ts'
import { covers } from '../../server/causality/version-vector.ts'
import { type Key, keyFromBytes, keyFromText } from '../../shared/key.ts'

const KEY = keyFromText('a key')

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 12 }))
const actor = fc.oneof(fc.constantFrom('a', 'b', 'é', '\u{1f600}', '￿'), text)
const counter = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.maxSafeNat().map((n) => Math.max(n, 1)),
)
const dot = fc.record({ actor, counter })
const bytes = fc.uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value))
const sibling: fc.Arbitrary<Sibling> = fc.record({
  dot,
  stamp: fc.record({ wallMs: fc.maxSafeNat(), logical: fc.nat(0xffff_ffff) }),
  value: fc.option(bytes),
  expiresAtMs: fc.oneof(fc.constant(0), fc.maxSafeNat()),
  request: text,
  attempt: fc.nat(0xffff_ffff),
})
const retirement = fc.record({
  request: text.filter((request) => request !== ''),
  attempt: fc.nat(0xffff_ffff),
  dot,
  seen: fc.boolean(),
  wallMs: fc.maxSafeNat(),
})

const record: fc.Arbitrary<KeyRecord> = fc
  .record({
    past: fc.array(fc.tuple(actor, counter), { maxLength: 4 }).map((entries) => new Map(entries)),
    siblings: fc.uniqueArray(sibling, {
      maxLength: 4,
      comparator: (a, b) => compareDots(a.dot, b.dot) === 0,
    }),
    retired: fc.uniqueArray(retirement, { maxLength: MAX_RETIRED, selector: ({ request }) => request }),
  })
  .map(({ past, siblings, retired }) => ({
    past,
    siblings: siblings.filter((held) => !covers(past, held.dot)).sort((a, b) => compareDots(a.dot, b.dot)),
    retired: retired.sort((a, b) => (a.request < b.request ? -1 : 1)),
  }))

const key: fc.Arbitrary<Key> = fc.uint8Array({ minLength: 1, maxLength: 40 }).map(keyFromBytes)

function refused(run: () => unknown): void {
  expect(run).to.throw(CorruptRecord)
}

describe('the record codec', () => {
  it('gives back any record', () => {
    fc.assert(
      fc.property(key, record, (name, held) => {
        expect(decodeRecord(name, encodeRecord(name, held))).to.deep.equal(held)
      }),
      { numRuns: 500 },
    )
  })

  it('writes the same bytes for the same content, in whatever order the past was filled', () => {
    fc.assert(
      fc.property(record, (held) => {
        const turned = { ...held, past: new Map([...held.past].reverse()) }
        expect(encodeRecord(KEY, turned).equals(encodeRecord(KEY, held))).to.equal(true)
      }),
    )
  })

  it('finds every single flipped bit', () => {
    fc.assert(
      fc.property(record, (held) => {
        const encoded = encodeRecord(KEY, held)
        for (let bit = 0; bit < encoded.length * 8; bit++) {
          const flipped = Buffer.from(encoded)
          flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7))
          refused(() => decodeRecord(KEY, flipped))
        }
      }),
      { numRuns: 20 },
    )
  })

  it('finds a record that was cut short, was made longer or stands under another key', () => {
    fc.assert(
      fc.property(key, key, record, bytes, (name, other, held, more) => {
        const encoded = encodeRecord(name, held)
        for (let size = 0; size < encoded.length; size++)
          refused(() => decodeRecord(name, encoded.subarray(0, size)))
        if (more.length > 0) refused(() => decodeRecord(name, Buffer.concat([encoded, more])))
        if (other !== name) refused(() => decodeRecord(other, encoded))
      }),
      { numRuns: 50 },
    )
  })

  it('takes no bytes but those that it writes, even with a right checksum', () => {
    const twist = fc.record({ at: fc.nat(), value: fc.nat(255), cut: fc.nat(3), insert: fc.boolean() })
    fc.assert(
      fc.property(record, fc.array(twist, { minLength: 1, maxLength: 3 }), (held, twists) => {
        let forged = encodeRecord(KEY, held)
        for (const { at, value, cut, insert } of twists) {
          const where = 1 + (at % (forged.length - 1))
          const rest = forged.subarray(insert ? where : where + cut)
          forged = Buffer.concat([forged.subarray(0, where), Buffer.of(value), rest])
        }
        if (forged.length < 8) return
        seal(KEY, forged)
        let decoded: KeyRecord
        try {
          decoded = decodeRecord(KEY, forged)
        } catch (error) {
          expect(error).to.be.instanceOf(CorruptRecord)
          return
        }
        expect(encodeRecord(KEY, decoded).equals(forged)).to.equal(true)
        for (const { dot: held } of decoded.siblings) expect(covers(decoded.past, held)).to.equal(false)
      }),
      { numRuns: 3_000 },
    )
  })

  it('takes no arbitrary bytes', () => {
    fc.assert(fc.property(bytes, (any) => refused(() => decodeRecord(KEY, any))))
    fc.assert(
      fc.property(bytes, (any) => {
        const forged = Buffer.concat([Buffer.of(1), any, Buffer.alloc(4)])
        seal(KEY, forged)
        try {
          expect(encodeRecord(KEY, decodeRecord(KEY, forged)).equals(forged)).to.equal(true)
        } catch (error) {
          expect(error).to.be.instanceOf(CorruptRecord)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

describe('the record checksum', () => {
  it('is that of the key and the bytes before it', () => {
    const sealed = Buffer.from('\x01 some bytes....', 'latin1')
    seal(KEY, sealed)
    expect(isSealed(KEY, sealed)).to.equal(true)
    // crc32 of "a key" and the 12 bytes before the checksum, by an independent implementation.
    expect(sealed.readUInt32LE(sealed.length - 4)).to.equal(3_802_969_635)
  })
})
