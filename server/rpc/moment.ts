import type { ByteReader, ByteWriter } from '../../shared/wire.ts'

/**
 * A reading of one process's monotonic clock. Peers pass it back, moved on by the time that they measured since
 * they heard it: it took its time to reach them, so what they make of it is never ahead of that clock.
 */
export interface Moment {
  /** Drawn at random when the process starts: readings of its predecessor mean nothing to it. */
  readonly session: number
  readonly ms: number
}

export function writeMoment(writer: ByteWriter, { session, ms }: Moment): ByteWriter {
  return writer.u32(session).f64(ms)
}

export function readMoment(reader: ByteReader): Moment {
  return { session: reader.u32(), ms: reader.f64() }
}
