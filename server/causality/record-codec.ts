import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import type { Actor, Dot } from './dot.ts'
import type { KeyRecord, Sibling } from './record.ts'
import { CHECKSUM_BYTES, isSealed, seal } from './record-checksum.ts'
import { RecordReader } from './record-reader.ts'
import { textSize, varintSize, writeText, writeVarint } from './varint.ts'

const FORMAT = 1
const FORMAT_BYTES = 1

/** The bytes are not what encodeRecord writes for any record under this key: a disk or a peer is at fault. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord'
}

/**
 * The record as bytes, the same for every record of the same content.
 *
 *     format u8 · actors · siblings · retired · checksum u32    (each list with its length before it)
 *     actor        name, counter up to which it is in `past` or 0
 *     sibling      dot, wallMs, logical, expiresAtMs, request, attempt, 0 or 1 + size of the value, value
 *     retirement   request, 2 * attempt + (1 where seen), dot, wallMs
 *     dot          index of the actor, counter
 *
 * All other numbers are varints, texts are UTF-8 with their size before them, and actors, siblings and
 * retirements are in order.
 * @throws KvError `usage` for a request id or actor that is not well-formed Unicode.
 */
export function encodeRecord(key: Key, record: KeyRecord): Buffer {
  const actors = actorsOf(record)
  const bytes = Buffer.allocUnsafe(encodedSize(record, actors))
  bytes[0] = FORMAT
  let at = writeVarint(bytes, FORMAT_BYTES, actors.length)
  for (const actor of actors) {
    at = writeText(bytes, at, actor)
    at = writeVarint(bytes, at, record.past.get(actor) ?? 0)
  }
  at = writeVarint(bytes, at, record.siblings.length)
  for (const sibling of record.siblings) at = writeSibling(bytes, at, sibling, actors)
  at = writeVarint(bytes, at, record.retired.length)
  for (const { request, attempt, dot, seen, wallMs } of record.retired) {
    at = writeText(bytes, at, request)
    at = writeVarint(bytes, at, attempt * 2 + (seen ? 1 : 0))
    at = writeDot(bytes, at, dot, actors)
    at = writeVarint(bytes, at, wallMs)
  }
  seal(key, bytes)
  return bytes
}

/**
 * The record in `bytes`, whose values share memory with them.
 * @throws CorruptRecord unless they are exactly what encodeRecord makes of a record under this key.
 */
export function decodeRecord(key: Key, bytes: Buffer): KeyRecord {
  if (bytes[0] !== FORMAT) throw new CorruptRecord(`a record of ${bytes.length} bytes has an unknown format`)
  if (!isSealed(key, bytes)) throw new CorruptRecord('a record fails its checksum')
  try {
    return new RecordReader(bytes, FORMAT_BYTES, bytes.length - CHECKSUM_BYTES).record()
  } catch (error) {
    if (error instanceof RangeError) throw new CorruptRecord(`a record is malformed: ${error.message}`)
    throw error
  }
}

/** Every actor that the record names, once, in order. */
function actorsOf(record: KeyRecord): Actor[] {
  const actors = [...record.past.keys()]
  for (const { dot } of record.siblings) if (!actors.includes(dot.actor)) actors.push(dot.actor)
  for (const { dot } of record.retired) if (!actors.includes(dot.actor)) actors.push(dot.actor)
  if (actors.length > 1) actors.sort(byCodeUnit)
  return actors
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1
}

function encodedSize(record: KeyRecord, actors: readonly Actor[]): number {
  let size = FORMAT_BYTES + varintSize(actors.length) + CHECKSUM_BYTES
  for (const actor of actors) size += sizedText(actor) + varintSize(record.past.get(actor) ?? 0)
  size += varintSize(record.siblings.length)
  for (const { dot, stamp, value, expiresAtMs, request, attempt } of record.siblings) {
    size += dotSize(dot, actors) + varintSize(stamp.wallMs) + varintSize(stamp.logical)
    size += varintSize(expiresAtMs) + sizedText(request) + varintSize(attempt)
    size += value === null ? 1 : varintSize(value.length + 1) + value.length
  }
  size += varintSize(record.retired.length)
  for (const { request, attempt, dot, wallMs } of record.retired) {
    size += sizedText(request) + varintSize(attempt * 2) + dotSize(dot, actors) + varintSize(wallMs)
  }
  return size
}

function sizedText(text: string): number {
  const size = textSize(text)
  if (size !== text.length && Buffer.from(text, 'utf8').toString('utf8') !== text) {
    throw new KvError(
      'usage',
      'a request id or actor is not well-formed Unicode',
      'use ASCII for request ids',
    )
  }
  return varintSize(size) + size
}

function dotSize(dot: Dot, actors: readonly Actor[]): number {
  return varintSize(actors.indexOf(dot.actor)) + varintSize(dot.counter)
}

function writeDot(bytes: Buffer, at: number, dot: Dot, actors: readonly Actor[]): number {
  return writeVarint(bytes, writeVarint(bytes, at, actors.indexOf(dot.actor)), dot.counter)
}

function writeSibling(bytes: Buffer, at: number, sibling: Sibling, actors: readonly Actor[]): number {
  const { dot, stamp, value, expiresAtMs, request, attempt } = sibling
  at = writeDot(bytes, at, dot, actors)
  at = writeVarint(bytes, at, stamp.wallMs)
  at = writeVarint(bytes, at, stamp.logical)
  at = writeVarint(bytes, at, expiresAtMs)
  at = writeText(bytes, at, request)
  at = writeVarint(bytes, at, attempt)
  if (value === null) return writeVarint(bytes, at, 0)
  at = writeVarint(bytes, at, value.length + 1)
  bytes.set(value, at)
  return at + value.length
}
