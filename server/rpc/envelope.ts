import { ERRORS, type ErrorCode, KvError } from '../../shared/errors.ts'
import { type ByteReader, ByteWriter } from '../../shared/wire.ts'

/**
 * What stands before the body of every peer message: kind (1 byte), method (1), layout (4), session (4), id (8).
 * The session is drawn when a process starts, so that an answer to its predecessor never matches.
 */
export type MessageKind = 'request' | 'response' | 'failure' | 'cast'

const KINDS: readonly MessageKind[] = ['request', 'response', 'failure', 'cast']

export interface Envelope {
  readonly kind: MessageKind
  readonly method: number
  /** The number of the layout that the sender went by; 0 where it had none. */
  readonly layout: number
  readonly session: number
  /** Rises by one with each request of a session. */
  readonly id: number
}

/** Enough for most messages, of which half are heartbeats: what is longer is copied as it grows. */
const USUAL_BYTES = 384

export function writeEnvelope(
  kind: MessageKind,
  method: number,
  layout: number,
  session: number,
  id: number,
): ByteWriter {
  return new ByteWriter(USUAL_BYTES).u8(KINDS.indexOf(kind)).u8(method).u32(layout).u32(session).u53(id)
}

/** @throws RangeError where it is too short or of no known kind. */
export function readEnvelope(reader: ByteReader): Envelope {
  const kind = KINDS[reader.u8()]
  if (kind === undefined) throw new RangeError('a message of no known kind')
  return { kind, method: reader.u8(), layout: reader.u32(), session: reader.u32(), id: reader.u53() }
}

export function writeFailure(writer: ByteWriter, error: KvError): void {
  writer.text(error.code).text(error.message.slice(0, 1000)).text(error.hint.slice(0, 1000))
}

export function readFailure(reader: ByteReader): KvError {
  const code = reader.text()
  const message = reader.text()
  const hint = reader.text()
  return Object.hasOwn(ERRORS, code)
    ? new KvError(code as ErrorCode, message, hint)
    : new KvError('internal', `${code}: ${message}`, hint)
}
