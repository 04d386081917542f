import { SLOTS } from '../../shared/slot.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { StorageOp } from '../ports/storage.ts'

export const SCRUB_KEY = Buffer.from('mscrub')

/** How far the scrub is: on the disk, so that it goes on there after a restart. */
export interface ScrubState {
  /** The next slot of the pass that is under way; undefined between two passes. */
  readonly next: number | undefined
  /** Wall-clock milliseconds; 0 before the first. */
  readonly startedMs: number
  readonly finishedMs: number
}

export const NEVER_SCRUBBED: ScrubState = { next: undefined, startedMs: 0, finishedMs: 0 }

export function scrubOp({ next, startedMs, finishedMs }: ScrubState): StorageOp {
  const writer = new ByteWriter(32).u8(1).u16(next ?? 0xffff)
  return { type: 'put', key: SCRUB_KEY, value: writer.u53(startedMs).u53(finishedMs).finish() }
}

/** What cannot be read counts as never scrubbed. */
export function readScrubState(bytes: Buffer | undefined): ScrubState {
  if (bytes === undefined || bytes.length !== 19 || bytes[0] !== 1) return NEVER_SCRUBBED
  const reader = new ByteReader(bytes, 1)
  const next = reader.u16()
  return { next: next < SLOTS ? next : undefined, startedMs: reader.u53(), finishedMs: reader.u53() }
}
