/**
 * LevelDB's log format, in which its write-ahead logs and its MANIFEST are kept: blocks of 32 KiB with records of
 * checksum, length, type and data; a record that crosses blocks is split into a first, middle and last part.
 * (LevelDB, doc/log_format.md)
 */
const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export interface LogContent {
  /** What a reader gets, in order, up to the end or to the first record that cannot be read. */
  readonly records: Buffer[]
  /**
   * Where the first record begins that cannot be read although later ones can: it had been written completely, so
   * this is damage. A record at the very end that cannot be read is an unfinished write, which nobody was promised.
   */
  readonly damagedAt: number | undefined
}

const CRC32C = new Uint32Array(256).map((_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** CRC-32C (Castagnoli), for which Node.js has no function of its own. */
export function crc32c(bytes: Buffer): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) crc = CRC32C[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

/** Checksums are stored rotated, because data may itself hold checksums. */
export function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

function blockEnd(log: Buffer, offset: number): number {
  return Math.min(log.length, offset - (offset % BLOCK_BYTES) + BLOCK_BYTES)
}

/** The data length of an intact record at `offset`, or undefined. */
function intactAt(log: Buffer, offset: number): number | undefined {
  const end = blockEnd(log, offset)
  if (offset + HEADER_BYTES > end) return undefined
  const length = log.readUInt16LE(offset + 4)
  const type = log[offset + 6]!
  if (type < FULL || type > LAST || offset + HEADER_BYTES + length > end) return undefined
  const covered = log.subarray(offset + 6, offset + HEADER_BYTES + length)
  return crc32c(covered) === unmask(log.readUInt32LE(offset)) ? length : undefined
}

/** Whether any write begins, intact, from `offset` on: every position is tried, as no length is to be trusted. */
function continuesFrom(log: Buffer, offset: number): boolean {
  for (let at = offset; at + HEADER_BYTES <= log.length; at++) {
    const type = log[at + 6]
    if ((type === FULL || type === FIRST) && intactAt(log, at) !== undefined) return true
  }
  return false
}

export function readLog(log: Buffer): LogContent {
  const records: Buffer[] = []
  let parts: Buffer[] = []
  let start = 0
  let offset = 0
  while (offset < log.length) {
    const end = blockEnd(log, offset)
    if (end - offset < HEADER_BYTES) {
      // What is left of a block after its last record is padding.
      offset = end
      continue
    }
    if (parts.length === 0) start = offset
    const length = intactAt(log, offset)
    const type = log[offset + 6]!
    const begins = type === FULL || type === FIRST
    if (length === undefined || begins !== (parts.length === 0)) {
      const resumed = continuesFrom(log, length !== undefined && begins ? offset : offset + 1)
      return { records, damagedAt: resumed ? start : undefined }
    }
    parts.push(log.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + length))
    offset += HEADER_BYTES + length
    if (type === FULL || type === LAST) {
      records.push(parts.length === 1 ? parts[0]! : Buffer.concat(parts))
      parts = []
    }
  }
  return { records, damagedAt: undefined }
}
