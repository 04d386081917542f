import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import { type Floor, readFloor, readVector, writeFloor, writeVector } from '../causality/floor.ts'
import type { VersionVector } from '../causality/record.ts'
import type { Method } from './method.ts'

/** Slots in one message. */
export const MAX_COLLECTED_SLOTS = 256
export const DIGEST_WORDS = 3

/** How far one member has got with its writes. */
export interface Survey {
  /** Drawn at random when the process started. */
  readonly session: number
  /** Of the write that it began last. */
  readonly write: number
  /** How the names of all its actors begin: node id and incarnation. */
  readonly actors: string
  /** Up to it, it has given out dots. */
  readonly counter: number
}

export interface PromiseRequest {
  readonly round: string
  readonly layoutVersion: number
  /** The receiver's own survey that the round builds on. */
  readonly session: number
  readonly write: number
  readonly vector: VersionVector
  readonly slots: readonly number[]
}

export interface PromiseResponse {
  /** Of the slots, those for which the receiver keeps no hint, and no mark that something of them is missing. */
  readonly slots: readonly number[]
}

export interface DigestsRequest {
  readonly round: string
  readonly slots: readonly number[]
}

/** For each slot three words: the sum of its records, and how many there are. */
export interface DigestsResponse {
  readonly words: Uint32Array
}

export interface CollectRequest {
  readonly round: string
  readonly layoutVersion: number
  readonly expiredMs: number
  readonly slots: readonly number[]
}

export interface FloorRequest {
  readonly slot: number
}

/** How far the receiver has got with its writes. */
export const SURVEY: Method<undefined, Survey> = {
  id: 50,
  name: 'survey',
  request: { write: () => undefined, read: () => undefined },
  response: {
    write: (writer, { session, write, actors, counter }) => {
      writer.u32(session).u53(write).text(actors).u53(counter)
    },
    read: (reader) => ({
      session: reader.u32(),
      write: reader.u53(),
      actors: reader.text(),
      counter: reader.u53(),
    }),
  },
}

/** From now on the receiver takes no write of these slots up to the vector that it has not met. */
export const PROMISE: Method<PromiseRequest, PromiseResponse> = {
  id: 51,
  name: 'promise',
  request: {
    write: (writer, { round, layoutVersion, session, write, vector, slots }) => {
      writer.text(round).u53(layoutVersion).u32(session).u53(write)
      writeSlots(writeVector(writer, vector), slots)
    },
    read: (reader) => ({
      round: reader.text(),
      layoutVersion: reader.u53(),
      session: reader.u32(),
      write: reader.u53(),
      vector: readVector(reader),
      slots: readSlots(reader),
    }),
  },
  response: {
    write: (writer, { slots }) => writeSlots(writer, slots),
    read: (reader) => ({ slots: readSlots(reader) }),
  },
}

/** What an owner holds of slots that it has promised, durably. */
export const DIGESTS: Method<DigestsRequest, DigestsResponse> = {
  id: 54,
  name: 'digests',
  request: {
    write: (writer, { round, slots }) => writeSlots(writer.text(round), slots),
    read: (reader) => ({ round: reader.text(), slots: readSlots(reader) }),
  },
  response: {
    write: (writer, { words }) => {
      writer.u16(words.length / DIGEST_WORDS)
      for (const word of words) writer.u32(word)
    },
    read: (reader) => {
      const words = new Uint32Array(bounded(reader.u16()) * DIGEST_WORDS)
      for (let i = 0; i < words.length; i++) words[i] = reader.u32()
      return { words }
    },
  },
}

/** All members have promised, and the owners hold the same: the slots' floors rise, and what is buried goes. */
export const COLLECT: Method<CollectRequest, void> = {
  id: 52,
  name: 'collect',
  request: {
    write: (writer, { round, layoutVersion, expiredMs, slots }) =>
      writeSlots(writer.text(round).u53(layoutVersion).u53(expiredMs), slots),
    read: (reader) => ({
      round: reader.text(),
      layoutVersion: reader.u53(),
      expiredMs: reader.u53(),
      slots: readSlots(reader),
    }),
  },
  response: { write: () => undefined, read: () => undefined },
}

/** The floor of a slot at the receiver. */
export const FLOOR: Method<FloorRequest, Floor> = {
  id: 53,
  name: 'floor',
  request: {
    write: (writer, { slot }) => void writer.u16(slot),
    read: (reader) => ({ slot: reader.u16() }),
  },
  response: { write: (writer, floor) => void writeFloor(writer, floor), read: readFloor },
}

function writeSlots(writer: ByteWriter, slots: readonly number[]): void {
  writer.u16(slots.length)
  for (const slot of slots) writer.u16(slot)
}

function readSlots(reader: ByteReader): readonly number[] {
  return Array.from({ length: bounded(reader.u16()) }, () => reader.u16())
}

/** @throws RangeError over the limit: a peer must not make this node allocate at will. */
function bounded(count: number): number {
  if (count > MAX_COLLECTED_SLOTS) throw new RangeError(`${count} slots in one message`)
  return count
}
