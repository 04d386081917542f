import { expect } from 'chai'
import { EMPTY_RECORD } from '../../../server/causality/record.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../../../server/causality/record-codec.ts'
import { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { dot, record, sibling } from './records.ts'

const KEY = keyFromText('k')

describe('encodeRecord and decodeRecord', () => {
  it('keep the format that is on disks', () => {
    const held = record(
      ['b300'],
      [sibling('a5', 1_700_000_000_000, { request: 'q' }), sibling('c1', 2, { value: null })],
      [{ request: 'q', dot: dot('a5') }],
    )
    const encoded = encodeRecord(KEY, held)
    const actors = '03' + '016100' + '0162ac02' + '016300'
    const first = '0005' + '80d095ffbc31' + '00' + '00' + '0171' + '03' + '6135'
    const second = '0201' + '02' + '00' + '00' + '00' + '00'
    const retired = '01' + '0171' + '0005'
    expect(encoded.subarray(0, -4).toString('hex')).to.equal(`01${actors}02${first}${second}${retired}`)
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
})
