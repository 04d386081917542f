import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Actor } from './dot.ts'
import {
  type KeyRecord,
  MAX_RETIRED,
  RETRY_WINDOW_MS,
  type Retirement,
  type VersionVector,
} from './record.ts'
import { joinRetired, retirementOf } from './retirement.ts'
import { covers, foldDot } from './version-vector.ts'

/** What a client has read, to hand back with its next write of the key: that write replaces it. */
export interface Context {
  /** All events that the reader knows of. */
  readonly vector: VersionVector
  /**
   * The requests whose values it saw while a retry of them might still come, or their coordinator might give them
   * another dot: the write's coordinator may never have met them, and must not let that bring them back.
   */
  readonly seen: readonly Retirement[]
}

/** Whoever has read this record, at `wallMs`, has seen these events. */
export function contextOf(record: KeyRecord, wallMs: number): Context {
  let vector = record.past
  let seen: readonly Retirement[] = []
  for (const sibling of record.siblings) {
    vector = foldDot(vector, sibling.dot)
    const mayComeAgain = sibling.attempt > 0 || sibling.stamp.wallMs > wallMs - RETRY_WINDOW_MS
    if (mayComeAgain) seen = joinRetired(seen, [retirementOf(sibling, true)])
  }
  return { vector, seen }
}

export function writeContext(writer: ByteWriter, { vector, seen }: Context): ByteWriter {
  writer.u16(vector.size)
  const actors = [...vector.keys()].sort((a, b) => (a < b ? -1 : 1))
  for (const actor of actors) writer.text(actor).u53(vector.get(actor) as number)
  writer.u8(seen.length)
  for (const { request, attempt, dot, wallMs } of seen) {
    writer.text(request).u32(attempt).u16(actors.indexOf(dot.actor)).u53(dot.counter).u53(wallMs)
  }
  return writer
}

/** @throws RangeError for what writeContext does not write. */
export function readContext(reader: ByteReader): Context {
  const vector = new Map<Actor, number>()
  for (let left = reader.u16(); left > 0; left--) vector.set(reader.text(), reader.u53())
  const actors = [...vector.keys()]
  const seen: Retirement[] = []
  for (let left = reader.u8(), before = ''; left > 0; left--) {
    const request = reader.text()
    if (request <= before || seen.length === MAX_RETIRED) throw new RangeError('requests are not in order')
    before = request
    const attempt = reader.u32()
    const actor = actors[reader.u16()] ?? ''
    const dot = { actor, counter: reader.u53() }
    if (!covers(vector, dot)) throw new RangeError('a context tells of an event that it does not know')
    seen.push({ request, attempt, dot, seen: true, wallMs: reader.u53() })
  }
  return { vector, seen }
}
