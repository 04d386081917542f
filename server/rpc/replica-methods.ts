import type { Key } from '../../shared/key.ts'
import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { Method } from './method.ts'

export interface StoreRequest {
  readonly key: Key
  /** The owner for whom the record is kept as a hint; '' for the receiver's own data. */
  readonly hintFor: string
  /** Sent by the coordinator of the write itself, not to mend what somebody has missed. */
  readonly fresh: boolean
  /** An encoded record. */
  readonly bytes: Buffer
}

export interface StoreResponse {
  readonly outrankedBy: Stamp | undefined
  /** False where the receiver, as an owner, has to be given what else there is of the slot first. */
  readonly complete: boolean
}

export interface FetchRequest {
  readonly key: Key
  /** The record is wanted with what the slot's floor adds to it. */
  readonly onFloor: boolean
  /** Whoever asks goes through many keys, and will not ask for this one again soon. */
  readonly once: boolean
  /** The time by which the reader tells what has expired, wall-clock milliseconds. */
  readonly wallMs: number
}

export interface FetchResponse {
  /** An encoded record; empty where the receiver holds none. */
  readonly bytes: Buffer
  /** Tells the floors of owners apart; 0 for none. */
  readonly floor: number
  /** False where the receiver's disk has lost some of what it held: its answer counts for no quorum. */
  readonly complete: boolean
  /** As in the request, at the receiver. */
  readonly wallMs: number
}

export interface ScanRequest {
  /** Entries that lie after this slot and key, or from the slot's start where `after` is ''. */
  readonly slot: number
  readonly after: string
  readonly prefix: string
  readonly limit: number
  /** Without values, those in the records come back empty. */
  readonly values: boolean
}

export interface ScanResponse {
  readonly entries: readonly { readonly slot: number; readonly key: Key; readonly bytes: Buffer }[]
  /** Everything up to and with this place has been looked at; slot 16384 is the end. */
  readonly slot: number
  readonly after: string
  /** As in FetchResponse, of any slot. */
  readonly complete: boolean
}

/** Merge a record into the receiver's data or hints; answered when that is durable. */
export const STORE: Method<StoreRequest, StoreResponse> = {
  id: 10,
  name: 'store',
  request: {
    write: (writer, { key, hintFor, fresh, bytes }) =>
      void writer.byteString(key).text(hintFor).flag(fresh).bytes(bytes),
    read: (reader) => ({
      key: reader.byteString() as Key,
      hintFor: reader.text(),
      fresh: reader.flag(),
      bytes: reader.bytes(),
    }),
  },
  response: {
    write: (writer, { outrankedBy, complete }) => writeStamp(writer.flag(complete), outrankedBy),
    read: (reader) => ({ complete: reader.flag(), outrankedBy: readStamp(reader) }),
  },
}

/** What the receiver holds durably of a key, in its data and its hints. */
export const FETCH: Method<FetchRequest, FetchResponse> = {
  id: 11,
  name: 'fetch',
  request: {
    write: (writer, { key, onFloor, once, wallMs }) =>
      void writer.byteString(key).flag(onFloor).flag(once).u53(wallMs),
    read: (reader) => ({
      key: reader.byteString() as Key,
      onFloor: reader.flag(),
      once: reader.flag(),
      wallMs: reader.u53(),
    }),
  },
  response: {
    write: (writer, { bytes, floor, complete, wallMs }) =>
      void writer.bytes(bytes).u32(floor).flag(complete).u53(wallMs),
    read: (reader) => ({
      bytes: reader.bytes(),
      floor: reader.u32(),
      complete: reader.flag(),
      wallMs: reader.u53(),
    }),
  },
}

/** A page of the receiver's data, in slot order and byte order within a slot. */
export const SCAN: Method<ScanRequest, ScanResponse> = {
  id: 12,
  name: 'scan',
  request: {
    write: (writer, { slot, after, prefix, limit, values }) =>
      void writer.u16(slot).byteString(after).byteString(prefix).u16(limit).flag(values),
    read: (reader) => ({
      slot: reader.u16(),
      after: reader.byteString(),
      prefix: reader.byteString(),
      limit: reader.u16(),
      values: reader.flag(),
    }),
  },
  response: {
    write: (writer, { entries, slot, after, complete }) => {
      writer.u32(entries.length)
      for (const entry of entries) writer.u16(entry.slot).byteString(entry.key).bytes(entry.bytes)
      writer.u16(slot).byteString(after).flag(complete)
    },
    read: (reader) => {
      const entries = []
      for (let left = reader.u32(); left > 0; left--) {
        entries.push({ slot: reader.u16(), key: reader.byteString() as Key, bytes: reader.bytes() })
      }
      return { entries, slot: reader.u16(), after: reader.byteString(), complete: reader.flag() }
    },
  },
}

function writeStamp(writer: ByteWriter, stamp: Stamp | undefined): void {
  writer.flag(stamp !== undefined)
  if (stamp !== undefined) writer.u53(stamp.wallMs).u32(stamp.logical)
}

function readStamp(reader: ByteReader): Stamp | undefined {
  return reader.flag() ? { wallMs: reader.u53(), logical: reader.u32() } : undefined
}
