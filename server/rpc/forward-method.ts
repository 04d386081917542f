import type { Key } from '../../shared/key.ts'
import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { VersionVector } from '../causality/record.ts'
import type { Method } from './method.ts'

export interface ForwardRequest {
  readonly key: Key
  /** null deletes. */
  readonly value: Buffer | null
  readonly w: number
  readonly ttlMs: number
  readonly context: VersionVector | undefined
  readonly strict: boolean
  readonly request: string
  readonly retry: boolean
  readonly timeoutMs: number
}

export interface ForwardResponse {
  readonly version: string
  readonly acks: number
  readonly sloppy: boolean
  readonly existed: boolean
}

/** Coordinate a write: sent to an owner of the key by a node that owns it not. */
export const FORWARD: Method<ForwardRequest, ForwardResponse> = {
  id: 20,
  name: 'forward',
  request: {
    write: (writer, request) => {
      writer.byteString(request.key).flag(request.value !== null)
      if (request.value !== null) writer.bytes(request.value)
      writer.u8(request.w).u53(request.ttlMs).flag(request.strict).text(request.request).flag(request.retry)
      writer.u32(request.timeoutMs)
      writeVector(writer, request.context)
    },
    read: (reader) => ({
      key: reader.byteString() as Key,
      value: reader.flag() ? reader.bytes() : null,
      w: reader.u8(),
      ttlMs: reader.u53(),
      strict: reader.flag(),
      request: reader.text(),
      retry: reader.flag(),
      timeoutMs: reader.u32(),
      context: readVector(reader),
    }),
  },
  response: {
    write: (writer, { version, acks, sloppy, existed }) =>
      void writer.text(version).u8(acks).flag(sloppy).flag(existed),
    read: (reader) => ({
      version: reader.text(),
      acks: reader.u8(),
      sloppy: reader.flag(),
      existed: reader.flag(),
    }),
  },
}

function writeVector(writer: ByteWriter, vector: VersionVector | undefined): void {
  writer.flag(vector !== undefined)
  if (vector === undefined) return
  writer.u32(vector.size)
  for (const [actor, counter] of vector) writer.text(actor).u53(counter)
}

function readVector(reader: ByteReader): VersionVector | undefined {
  if (!reader.flag()) return undefined
  const vector = new Map<string, number>()
  for (let left = reader.u32(); left > 0; left--) vector.set(reader.text(), reader.u53())
  return vector
}
