import type { NodeState } from '../../shared/api.ts'
import { toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { decodeRecord } from '../causality/record-codec.ts'
import type { NodeId } from '../ports/network.ts'
import type { Inspection } from '../rpc/inspect-method.ts'

export interface HintHeld {
  readonly target: NodeId
  readonly record: KeyRecord
}

/** What one node of a key's preference list holds of it. */
export interface Holding {
  readonly id: NodeId
  readonly role: 'owner' | 'fallback'
  readonly state: NodeState
  /** False where it was not reached. */
  readonly answered: boolean
  /** Why it did not answer, or what is damaged on its disk; '' where nothing is wrong. */
  readonly problem: string
  /** EMPTY_RECORD for none. */
  readonly data: KeyRecord
  readonly hints: readonly HintHeld[]
  /** False for an owner that does not count in reads, because its disk has lost some of what it held. */
  readonly complete: boolean
}

export type Place = Pick<Holding, 'id' | 'role' | 'state'>

export function unanswered(place: Place, problem: string): Holding {
  return { ...place, answered: false, problem, data: EMPTY_RECORD, hints: [], complete: false }
}

/** What the node said of itself. The values of the records share memory with the message. */
export function holdingOf(key: Key, place: Place, { data, hints, damage, complete }: Inspection): Holding {
  try {
    const read = (bytes: Buffer): KeyRecord => (bytes.length === 0 ? EMPTY_RECORD : decodeRecord(key, bytes))
    return {
      ...place,
      answered: true,
      problem: damage,
      data: read(data),
      hints: hints.map(({ target, bytes }) => ({ target, record: read(bytes) })),
      complete,
    }
  } catch (error) {
    return unanswered(place, `its answer is damaged: ${toKvError(error).message}`)
  }
}

/** All that the node would answer to a read: its data with its hints. */
export function allOf({ data, hints }: Holding): KeyRecord {
  return hints.reduce((record, hint) => join(record, hint.record), data)
}

/** All that was reached, in one. */
export function mergedOf(holdings: readonly Holding[]): KeyRecord {
  return holdings.reduce((record, holding) => join(record, allOf(holding)), EMPTY_RECORD)
}

export function join(a: KeyRecord, b: KeyRecord): KeyRecord {
  if (a === EMPTY_RECORD) return b
  return b === EMPTY_RECORD ? a : mergeRecords(a, b)
}
