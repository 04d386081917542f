import { expect } from 'chai'
import { crc32c, readLog } from '../../../server/adapters/leveldb-log.ts'

const BLOCK = 32_768

/** A writer after LevelDB's description, for the reader to be tried on. */
function writeLog(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = []
  let used = 0
  const emit = (part: Buffer) => {
    parts.push(part)
    used = (used + part.length) % BLOCK
  }
  for (const record of records) {
    let rest = record
    for (let begin = true; ; begin = false) {
      if (BLOCK - used < 7) emit(Buffer.alloc(BLOCK - used))
      const data = rest.subarray(0, BLOCK - used - 7)
      rest = rest.subarray(data.length)
      const end = rest.length === 0
      const type = begin ? (end ? 1 : 2) : end ? 4 : 3
      const header = Buffer.alloc(7)
      const crc = crc32c(Buffer.concat([Buffer.of(type), data]))
      header.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0)
      header.writeUInt16LE(data.length, 4)
      header[6] = type
      emit(Buffer.concat([header, data]))
      if (end) break
    }
  }
  return Buffer.concat(parts)
}

const record = (size: number, fill: number) => Buffer.alloc(size, fill)
const RECORDS = [
  record(10, 0xa1),
  record(40_000, 0xa2),
  record(100_000, 0xa3),
  record(0, 0),
  record(300, 0xa5),
]

describe('the LevelDB log reader', () => {
  it('computes CRC-32C as RFC 3720, appendix B.4 has it', () => {
    expect(crc32c(Buffer.alloc(32))).to.equal(0x8a9136aa)
    expect(crc32c(Buffer.alloc(32, 0xff))).to.equal(0x62a8ab43)
    expect(crc32c(Buffer.from('123456789'))).to.equal(0xe3069283)
  })

  it('reads records of every kind of split', () => {
    const sizes = [0, 1, BLOCK - 7, BLOCK - 8, BLOCK - 14, 7, BLOCK - 20, 6, 3 * BLOCK, BLOCK - 13]
    const records = sizes.map((size, i) => record(size, i))
    const { records: read, damagedAt } = readLog(writeLog(records))
    expect(damagedAt).to.equal(undefined)
    expect(read.map((found) => found.length)).to.deep.equal(sizes)
    expect(read.every((found, i) => found.equals(records[i]!))).to.equal(true)
  })

  it('takes a log that was cut off anywhere for an unfinished write', () => {
    const log = writeLog(RECORDS)
    for (let size = 0; size < log.length; size += 97) {
      const { records, damagedAt } = readLog(log.subarray(0, size))
      expect(damagedAt, `at ${size}`).to.equal(undefined)
      expect(records.length).to.be.at.most(RECORDS.length - 1)
    }
  })

  it('takes zeroes at the end for an unfinished write', () => {
    const { records, damagedAt } = readLog(Buffer.concat([writeLog(RECORDS), Buffer.alloc(50_000)]))
    expect(damagedAt).to.equal(undefined)
    expect(records.length).to.equal(RECORDS.length)
  })

  it('finds every flipped bit that is not in the last record', () => {
    const log = writeLog(RECORDS)
    const last = log.length - 307
    for (let at = 0; at < last; at += at < 40 ? 1 : 1013) {
      const damaged = Buffer.from(log)
      damaged[at]! ^= 0x10
      expect(readLog(damaged).damagedAt, `byte ${at}`).to.not.equal(undefined)
    }
  })

  it('says where the record begins that is damaged', () => {
    const log = writeLog([record(10, 1), record(10, 2), record(10, 3)])
    log[20]! ^= 1
    expect(readLog(log).damagedAt).to.equal(17)
  })
})
