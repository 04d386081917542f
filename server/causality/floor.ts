import { crc32 } from 'node:zlib'
import { type ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Actor, Dot } from './dot.ts'
import { type ConflictPolicy, EMPTY_RECORD, type KeyRecord, type VersionVector } from './record.ts'
import { covers, descends, foldDot, joinVectors } from './version-vector.ts'
import { winner } from './write.ts'

/**
 * What the owners of a slot have settled among themselves: of every event up to `vector`, on any key of the slot, an
 * owner holds the outcome. Where it holds nothing of one, the event was replaced, and what replaced it was a delete
 * that has been collected. So the floor stands for the pasts of all the tombstones that are gone (the node clock
 * that makes deletes without tombstones safe in Gonçalves et al., "DottedDB", 2017).
 */
export interface Floor {
  readonly vector: VersionVector
  /** Values that expired by then, wall-clock milliseconds, count as deleted everywhere. */
  readonly expiredMs: number
  /** The layout under which it was agreed on last, and the policy of that, by which records were dead or not. */
  readonly layoutVersion: number
  readonly policy: ConflictPolicy
}

export const NO_FLOOR: Floor = { vector: new Map(), expiredMs: 0, layoutVersion: 0, policy: 'siblings' }

/** `a` itself when `b` adds nothing to it. */
export function joinFloors(a: Floor, b: Floor): Floor {
  const vector = joinVectors(a.vector, b.vector)
  const expiredMs = Math.max(a.expiredMs, b.expiredMs)
  const { layoutVersion, policy } = a.layoutVersion >= b.layoutVersion ? a : b
  if (vector === a.vector && expiredMs === a.expiredMs && layoutVersion === a.layoutVersion) return a
  return { vector, expiredMs, layoutVersion, policy }
}

/** Whether `floor` stands for all that `other` stands for. */
export function reaches(floor: Floor, other: Floor): boolean {
  if (floor.expiredMs < other.expiredMs || floor.layoutVersion < other.layoutVersion) return false
  return descends(floor.vector, other.vector)
}

/**
 * When readers see nothing of the record any more without another write, wall-clock milliseconds: 0 for tombstones,
 * and never for a value that does not expire, or no record. Under `lww` the winner decides: what it outranks is hidden.
 */
export function deathMs(record: KeyRecord, policy: ConflictPolicy): number {
  if (record === EMPTY_RECORD) return Number.POSITIVE_INFINITY
  const top = policy === 'lww' ? winner(record) : undefined
  let latest = 0
  for (const { value, expiresAtMs } of top === undefined ? record.siblings : [top]) {
    if (value === null) continue
    if (expiresAtMs === 0) return Number.POSITIVE_INFINITY
    latest = Math.max(latest, expiresAtMs)
  }
  return latest
}

/**
 * A past that names more actors than this is shortened when the slot's floor covers it: every run of a node writes
 * under a name of its own, and a key may outlive many of them.
 */
export const LONG_PAST = 8

/** From when on a floor may stand for the record, or for most of its past; otherwise as `deathMs`. */
export function settlesMs(record: KeyRecord, policy: ConflictPolicy): number {
  return record.past.size > LONG_PAST ? 0 : deathMs(record, policy)
}

/** The record without what the floor says of its past; itself where that is short. */
export function withShortPast(record: KeyRecord, { vector }: Floor): KeyRecord {
  if (record.past.size <= LONG_PAST) return record
  const past = new Map([...record.past].filter(([actor, counter]) => !covers(vector, { actor, counter })))
  return past.size === record.past.size ? record : { ...record, past }
}

/**
 * Whether the floor says all that the record does, so that the record itself need not be kept: by the policy under
 * which the owners agreed on the floor, for all of them must come to the same whenever each of them looks.
 */
export function isBuried(record: KeyRecord, { vector, expiredMs, policy }: Floor): boolean {
  if (deathMs(record, policy) > expiredMs || !descends(vector, record.past)) return false
  return record.siblings.every(({ dot }) => covers(vector, dot))
}

/**
 * The record with its siblings done with, where the floor stands for it: whatever is written now comes after them.
 * Beside a newer value they would stay, and owners that have buried them before would not take them. Their dots stay
 * in its past, so that such owners, and any that is behind, come to the same.
 */
export function afterBurial(record: KeyRecord, floor: Floor): KeyRecord {
  if (record === EMPTY_RECORD || !isBuried(record, floor)) return record
  return {
    ...record,
    past: record.siblings.reduce((past, { dot }) => foldDot(past, dot), record.past),
    siblings: [],
  }
}

/** Whether a record names an event of the slot that `held` knows nothing of, although `vector` covers it. */
export function revives(incoming: KeyRecord, held: KeyRecord, vector: VersionVector): boolean {
  if (vector.size === 0) return false
  return incoming.siblings.some(({ dot }) => covers(vector, dot) && !knows(held, dot))
}

/** The incoming record without the values that the floor says were deleted here. */
export function withoutBuried(incoming: KeyRecord, held: KeyRecord, { vector }: Floor): KeyRecord {
  if (!revives(incoming, held, vector)) return incoming
  const siblings = incoming.siblings.filter(({ dot }) => !covers(vector, dot) || knows(held, dot))
  return { ...incoming, siblings }
}

/** The record with what the floor adds to it, for somebody who has another floor. */
export function onFloor(record: KeyRecord, floor: Floor): KeyRecord {
  const { vector } = floor
  if (vector.size === 0) return record
  if (isBuried(record, floor)) return { past: vector, siblings: [], retired: record.retired }
  const above = record.siblings.filter(({ dot }) => covers(vector, dot))
  // A vector that covers a value would replace it: of that value's actor only what lies below is told.
  const past = new Map<Actor, number>(joinVectors(record.past, vector))
  for (const { dot } of above) {
    const told = Math.min(past.get(dot.actor) ?? 0, dot.counter - 1)
    if (told > 0) past.set(dot.actor, told)
    else past.delete(dot.actor)
  }
  return { ...record, past: joinVectors(past, record.past) }
}

function knows({ past, siblings }: KeyRecord, dot: Dot): boolean {
  if (covers(past, dot)) return true
  return siblings.some((sibling) => sibling.dot.counter === dot.counter && sibling.dot.actor === dot.actor)
}

/** The same for equal floors, and 0 for none. */
export function floorDigest(floor: Floor): number {
  if (floor.vector.size === 0 && floor.expiredMs === 0 && floor.layoutVersion === 0) return 0
  const digest = crc32(writeFloor(new ByteWriter(), floor).finish())
  return digest === 0 ? 1 : digest
}

export function writeVector(writer: ByteWriter, vector: VersionVector): ByteWriter {
  const actors = [...vector.keys()].sort((a, b) => (a < b ? -1 : 1))
  writer.u16(actors.length)
  for (const actor of actors) writer.text(actor).u53(vector.get(actor) as number)
  return writer
}

export function readVector(reader: ByteReader): VersionVector {
  const vector = new Map<Actor, number>()
  for (let left = reader.u16(); left > 0; left--) vector.set(reader.text(), reader.u53())
  return vector
}

export function writeFloor(
  writer: ByteWriter,
  { vector, expiredMs, layoutVersion, policy }: Floor,
): ByteWriter {
  return writeVector(
    writer
      .u53(expiredMs)
      .u53(layoutVersion)
      .flag(policy === 'lww'),
    vector,
  )
}

export function readFloor(reader: ByteReader): Floor {
  const expiredMs = reader.u53()
  const layoutVersion = reader.u53()
  const policy = reader.flag() ? 'lww' : 'siblings'
  return { vector: readVector(reader), expiredMs, layoutVersion, policy }
}
