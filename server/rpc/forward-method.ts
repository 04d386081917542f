import type { Key } from '../../shared/key.ts'
import { type Context, readContext, writeContext } from '../causality/context.ts'
import type { Method } from './method.ts'
import { type Moment, readMoment, writeMoment } from './moment.ts'

/** A put or delete that has been checked, as its coordinator gets it. */
export interface CoordinateRequest {
  readonly key: Key
  /** null deletes. */
  readonly value: Buffer | null
  readonly w: number
  readonly ttlMs: number
  readonly context: Context | undefined
  readonly strict: boolean
  /** Names the write over all attempts; '' where there is only one. */
  readonly request: string
  /** Which attempt at `request` it is, from 0. */
  readonly attempt: number
  readonly timeoutMs: number
}

export interface ForwardRequest extends CoordinateRequest {
  /**
   * By the coordinator's clock: the sender has given this attempt up by then and may have made the next one, so it
   * must not be applied any more.
   */
  readonly until: Moment
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
      writer.u8(request.w).u53(request.ttlMs).flag(request.strict).text(request.request)
      writer.u32(request.attempt).u32(request.timeoutMs)
      writeMoment(writer, request.until).flag(request.context !== undefined)
      if (request.context !== undefined) writeContext(writer, request.context)
    },
    read: (reader) => ({
      key: reader.byteString() as Key,
      value: reader.flag() ? reader.bytes() : null,
      w: reader.u8(),
      ttlMs: reader.u53(),
      strict: reader.flag(),
      request: reader.text(),
      attempt: reader.u32(),
      timeoutMs: reader.u32(),
      until: readMoment(reader),
      context: reader.flag() ? readContext(reader) : undefined,
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
