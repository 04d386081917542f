import { crc32 } from 'node:zlib'
import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { type Actor, compareDots, type Dot } from './dot.ts'
import { type KeyRecord, MAX_RETIRED, type Retirement, type Sibling } from './record.ts'
import { isVoid } from './retirement.ts'
import { textSize, VarintReader, varintSize, writeText, writeVarint } from './varint.ts'
import { covers } from './version-vector.ts'

const FORMAT = 1
/** Format, and the crc32 of the key and of what follows, big-endian. */
const HEADER_BYTES = 5
const MAX_LOGICAL = 0xffff_ffff

/** The bytes are not what encodeRecord writes for any record under this key: a disk or a peer is at fault. */
export class CorruptRecord extends Error {
  override readonly name = 'CorruptRecord'
}

/**
 * The record as bytes, the same for every record of the same content.
 *
 *     format u8 · crc32 u32 · actors · siblings · retired       (each list with its length before it)
 *     actor        name, counter up to which it is in `past` or 0
 *     sibling      dot, wallMs, logical, expiresAtMs, request, 0 or 1 + size of the value, value
 *     retirement   request, dot
 *     dot          index of the actor, counter
 *
 * All numbers are varints, texts are UTF-8 with their size before them, and actors, siblings and retirements
 * are in order.
 */
export function encodeRecord(key: Key, record: KeyRecord): Buffer {
  const actors = actorsOf(record)
  const bytes = Buffer.allocUnsafe(encodedSize(record, actors))
  let at = writeVarint(bytes, HEADER_BYTES, actors.length)
  for (const actor of actors) {
    at = writeText(bytes, at, actor)
    at = writeVarint(bytes, at, record.past.get(actor) ?? 0)
  }
  at = writeVarint(bytes, at, record.siblings.length)
  for (const sibling of record.siblings) at = writeSibling(bytes, at, sibling, actors)
  at = writeVarint(bytes, at, record.retired.length)
  for (const { request, dot } of record.retired) {
    at = writeText(bytes, at, request)
    at = writeDot(bytes, at, dot, actors)
  }
  bytes[0] = FORMAT
  bytes.writeUInt32BE(checksum(key, bytes), 1)
  return bytes
}

/**
 * The record in `bytes`, whose values share memory with them.
 * @throws CorruptRecord unless they are exactly what encodeRecord makes of a record under this key.
 */
export function decodeRecord(key: Key, bytes: Buffer): KeyRecord {
  if (bytes.length < HEADER_BYTES) throw new CorruptRecord(`a record has only ${bytes.length} bytes`)
  if (bytes[0] !== FORMAT) throw new CorruptRecord(`a record has the unknown format ${bytes[0]}`)
  if (bytes.readUInt32BE(1) !== checksum(key, bytes)) throw new CorruptRecord('a record fails its checksum')
  try {
    return readRecord(new VarintReader(bytes, HEADER_BYTES))
  } catch (error) {
    if (error instanceof RangeError) throw new CorruptRecord(`a record is malformed: ${error.message}`)
    throw error
  }
}

function checksum(key: Key, bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(key))
}

/** Every actor that the record names, once, in order. */
function actorsOf(record: KeyRecord): Actor[] {
  const actors: Actor[] = []
  const add = (actor: Actor): void => {
    if (!actors.includes(actor)) actors.push(actor)
  }
  for (const actor of record.past.keys()) add(actor)
  for (const { dot } of record.siblings) add(dot.actor)
  for (const { dot } of record.retired) add(dot.actor)
  if (actors.length > 1) actors.sort((a, b) => (a < b ? -1 : 1))
  return actors
}

function encodedSize(record: KeyRecord, actors: readonly Actor[]): number {
  let size = HEADER_BYTES + varintSize(actors.length)
  for (const actor of actors) size += sizedText(actor) + varintSize(record.past.get(actor) ?? 0)
  size += varintSize(record.siblings.length)
  for (const { dot, stamp, value, expiresAtMs, request } of record.siblings) {
    size += dotSize(dot, actors) + varintSize(stamp.wallMs) + varintSize(stamp.logical)
    size += varintSize(expiresAtMs) + sizedText(request)
    size += value === null ? 1 : varintSize(value.length + 1) + value.length
  }
  size += varintSize(record.retired.length)
  for (const { request, dot } of record.retired) size += sizedText(request) + dotSize(dot, actors)
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
  const { dot, stamp, value, expiresAtMs, request } = sibling
  at = writeDot(bytes, at, dot, actors)
  at = writeVarint(bytes, at, stamp.wallMs)
  at = writeVarint(bytes, at, stamp.logical)
  at = writeVarint(bytes, at, expiresAtMs)
  at = writeText(bytes, at, request)
  if (value === null) return writeVarint(bytes, at, 0)
  at = writeVarint(bytes, at, value.length + 1)
  return at + value.copy(bytes, at)
}

function readRecord(reader: VarintReader): KeyRecord {
  const actors: Actor[] = []
  const past = new Map<Actor, number>()
  /** An actor that nothing names would give one record two encodings. */
  const unused = new Set<Actor>()
  for (let left = reader.varint(); left > 0; left--) {
    const actor = reader.text()
    ascending(actors.length === 0 || (actors[actors.length - 1] as Actor) < actor, 'actors')
    actors.push(actor)
    const counter = reader.varint()
    if (counter > 0) past.set(actor, counter)
    else unused.add(actor)
  }
  const readDot = (): Dot => {
    const actor = actors[reader.varint()]
    const counter = reader.varint()
    if (actor === undefined || counter === 0) throw new RangeError('a dot names no event')
    if (unused.size > 0) unused.delete(actor)
    return { actor, counter }
  }

  const siblings: Sibling[] = []
  for (let left = reader.varint(); left > 0; left--) {
    const sibling = readSibling(reader, readDot())
    const before = siblings[siblings.length - 1]
    ascending(before === undefined || compareDots(before.dot, sibling.dot) < 0, 'siblings')
    if (covers(past, sibling.dot)) throw new RangeError('a sibling is in the past')
    siblings.push(sibling)
  }
  const retired = readRetired(reader, readDot)
  if (siblings.some((sibling) => isVoid(retired, sibling))) throw new RangeError('a sibling is void')
  if (unused.size > 0) throw new RangeError('an actor is not used')
  if (reader.at !== reader.bytes.length) throw new RangeError('there are bytes left over')
  return { past, siblings, retired }
}

function readSibling(reader: VarintReader, dot: Dot): Sibling {
  const wallMs = reader.varint()
  const logical = reader.varint()
  if (logical > MAX_LOGICAL) throw new RangeError('a stamp is out of range')
  const expiresAtMs = reader.varint()
  const request = reader.text()
  const sized = reader.varint()
  return {
    dot,
    stamp: { wallMs, logical },
    value: sized === 0 ? null : reader.take(sized - 1),
    expiresAtMs,
    request,
  }
}

function readRetired(reader: VarintReader, readDot: () => Dot): Retirement[] {
  const retired: Retirement[] = []
  for (let left = reader.varint(); left > 0; left--) {
    const request = reader.text()
    ascending((retired[retired.length - 1]?.request ?? '') < request, 'retirements')
    retired.push({ request, dot: readDot() })
  }
  if (retired.length > MAX_RETIRED) throw new RangeError('there are too many retirements')
  return retired
}

function ascending(inOrder: boolean, what: string): void {
  if (!inOrder) throw new RangeError(`the ${what} are not in order`)
}
