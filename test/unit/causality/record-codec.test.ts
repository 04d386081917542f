import { expect } from 'chai'
import { EMPTY_RECORD } from '../../../server/causality/record.ts'
import { seal } from '../../../server/causality/record-checksum.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../../../server/causality/record-codec.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { record, retired, sibling } from './records.ts'

const KEY = keyFromText('k')

describe('encodeRecord and decodeRecord', () => {
  it('keep the format that is on disks', () => {
    const held = record(
      ['b300'],
      [sibling('a5', 1_700_000_000_000, { request: 'q', attempt: 3 }), sibling('c1', 2, { value: null })],
      [retired('p', 'b2', { attempt: 1, wallMs: 300 })],
    )
    const encoded = encodeRecord(KEY, held)
    const actors = '03' + '016100' + '0162ac02' + '016300'
    const first = '0005' + '80d095ffbc31' + '00' + '00' + '0171' + '03' + '03' + '6135'
    const second = '0201' + '02' + '00' + '00' + '00' + '00' + '00'
    const replaced = '01' + '0170' + '03' + '0102' + 'ac02'
    expect(encoded.subarray(0, -4).toString('hex')).to.equal(`01${actors}02${first}${second}${replaced}`)
    expect(decodeRecord(KEY, encoded)).to.deep.equal(held)
  })

  it('tell an empty value from a tombstone', () => {
    for (const value of [Buffer.alloc(0), null]) {
      const held = record([], [sibling('a1', 1, { value })])
      expect(decodeRecord(KEY, encodeRecord(KEY, held)).siblings[0]?.value).to.deep.equal(value)
    }
  })

  it('share the memory of values with the bytes', () => {
    const encoded = encodeRecord(KEY, record([], [sibling('a1', 1, { value: Buffer.from('a value') })]))
    const value = decodeRecord(KEY, encoded).siblings[0]?.value
    expect(value?.buffer).to.equal(encoded.buffer)
    expect(value?.toString()).to.equal('a value')
  })

  it('read a record that lies within other bytes', () => {
    const held = record(['b3'], [sibling('a1', 1)])
    const encoded = encodeRecord(KEY, held)
    const around = Buffer.concat([Buffer.alloc(7, 1), encoded, Buffer.alloc(9, 1)])
    expect(decodeRecord(KEY, around.subarray(7, 7 + encoded.length))).to.deep.equal(held)
  })

  it('carry a value of 64 MiB', () => {
    const value = Buffer.alloc(64 * 1024 * 1024, 'x')
    const encoded = encodeRecord(KEY, record([], [sibling('a1', 1, { value })]))
    expect(decodeRecord(KEY, encoded).siblings[0]?.value?.equals(value)).to.equal(true)
    encoded[30_000_000] = 0
    expect(() => decodeRecord(KEY, encoded)).to.throw(CorruptRecord, 'checksum')
  })

  it('add little to a small record', () => {
    const held = record([], [sibling('a1', 1_763_600_000_000, { value: Buffer.alloc(100) })])
    expect(encodeRecord(KEY, held).length).to.be.at.most(125)
    expect(encodeRecord(KEY, EMPTY_RECORD)).to.have.length(8)
  })

  it('refuse text that has no UTF-8', () => {
    const held = record([], [sibling('a1', 1, { request: '\ud800' })])
    expect(() => encodeRecord(KEY, held))
      .to.throw(KvError)
      .with.property('code', 'usage')
  })

  it('refuse the format of another version', () => {
    const encoded = encodeRecord(KEY, EMPTY_RECORD)
    encoded[0] = 2
    expect(() => decodeRecord(KEY, encoded)).to.throw(CorruptRecord, 'unknown format')
  })

  /** As a record would be read whose writer sealed these bytes. */
  const decodeBody = (hex: string): unknown => {
    const forged = Buffer.from(`01${hex.replaceAll(' ', '')}00000000`, 'hex')
    seal(KEY, forged)
    return decodeRecord(KEY, forged)
  }

  it('take bytes that keep every rule', () => {
    expect(decodeBody('01 016100 01 0001000000000000 00')).to.deep.equal(
      record([], [sibling('a1', 0, { value: null })]),
    )
    expect(decodeBody('01 016101 00 02 017001000100 017101000100')).to.deep.equal(
      record(['a1'], [], [retired('p', 'a1'), retired('q', 'a1')]),
    )
  })

  const tooMany = Array.from({ length: 65 }, (_, i) => `01${(48 + i).toString(16)}00000100`).join('')
  for (const [what, body, why] of [
    ['an actor that nothing names', '01 016100 00 00', 'not used'],
    ['actors out of order', '02 016201 016101 00 00', 'actors are not in order'],
    ['an actor twice', '02 016101 016101 00 00', 'actors are not in order'],
    ['a sibling in the past', '01 016105 01 0005000000000000 00', 'in the past'],
    [
      'siblings out of order',
      '01 016100 02 0002000000000000 0001000000000000 00',
      'siblings are not in order',
    ],
    ['a sibling twice', '01 016100 02 0001000000000000 0001000000000000 00', 'siblings are not in order'],
    ['a dot of no actor', '01 016101 01 0101000000000000 00', 'names no event'],
    ['a dot with the counter 0', '01 016101 01 0000000000000000 00', 'names no event'],
    ['a logical time of 2^32', '01 016100 01 00010080808080100000000000 00', 'stamp is out of range'],
    ['retirements out of order', '01 016101 00 02 017101000100 017001000100', 'retirements are not in order'],
    ['a retirement of no request', '01 016101 00 01 0000000100', 'retirements are not in order'],
    ['65 retirements', `01 016101 00 41 ${tooMany}`, 'too many retirements'],
    ['a number longer than it need be', '01 016101 8000 00', 'more bytes than it needs'],
    ['a number over 2^53 - 1', '01 0161 8080808080808010 00 00', 'over 2^53 - 1'],
    ['text that is not UTF-8', '01 01ff01 00 00', 'not UTF-8'],
    ['bytes left over', '00 00 00 00', 'left over'],
    ['a value that ends too early', '01 016100 01 0001000000000009 00', 'end too early'],
  ] as const) {
    it(`refuse ${what}`, () => {
      expect(() => decodeBody(body)).to.throw(CorruptRecord, why)
    })
  }
})
