import { uncompress } from 'snappyjs'
import { crc32c, unmask } from './leveldb-log.ts'

/** Two block handles, padding and the magic number. (LevelDB, doc/table_format.md) */
const FOOTER_BYTES = 48
/** After every block: how it is compressed, and the checksum of both. */
const TRAILER_BYTES = 5
const SNAPPY = 1

/** Where a block is, without its trailer. */
interface BlockHandle {
  readonly offset: number
  readonly size: number
}

/**
 * Looks for damage in a table file of LevelDB: every block must match its checksum. LevelDB as it
 * is built for Node.js does not compare them when it reads: a damaged block may show keys that were never written,
 * hide others, or end the process by an assertion when a compaction comes across it.
 * @returns what is wrong; undefined where nothing is.
 */
export function tableDamage(table: Buffer): string | undefined {
  try {
    const footer = new Cursor(table, table.length - FOOTER_BYTES)
    const filters = contents(table, footer.handle())
    const index = contents(table, footer.handle())
    for (const block of [...blocksOf(filters), ...blocksOf(index)]) {
      if (!isIntact(table, block)) return `fails the checksum of the block at byte ${block.offset}`
    }
    return undefined
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`
  }
}

function isIntact(table: Buffer, { offset, size }: BlockHandle): boolean {
  const end = offset + size
  if (end + TRAILER_BYTES > table.length) return false
  return crc32c(table.subarray(offset, end + 1)) === unmask(table.readUInt32LE(end + 1))
}

/** @throws RangeError where the block is damaged. */
function contents(table: Buffer, handle: BlockHandle): Buffer {
  if (!isIntact(table, handle)) throw new RangeError('its index is damaged')
  const { offset, size } = handle
  const block = table.subarray(offset, offset + size)
  return table[offset + size] === SNAPPY ? uncompress(block) : block
}

/** The values of a block that lists others, by keys that do not matter here. */
function* blocksOf(index: Buffer): Iterable<BlockHandle> {
  const restarts = index.readUInt32LE(index.length - 4)
  const end = index.length - 4 * (restarts + 1)
  for (let offset = 0; offset < end; ) {
    const entry = new Cursor(index, offset)
    entry.varint() // What the key shares with the one before.
    const keyBytes = entry.varint()
    const valueBytes = entry.varint()
    const value = entry.offset + keyBytes
    yield new Cursor(index, value).handle()
    offset = value + valueBytes
  }
}

class Cursor {
  private readonly bytes: Buffer
  offset: number

  constructor(bytes: Buffer, offset: number) {
    this.bytes = bytes
    this.offset = offset
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes.readUInt8(this.offset++)
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }

  handle(): BlockHandle {
    return { offset: this.varint(), size: this.varint() }
  }
}
