import type { ConflictPolicy, KeyRecord } from '../../server/causality/record.ts'
import type { NodeId } from '../../server/ports/network.ts'
import type { Gauge } from './gauges.ts'
import type { History } from './history.ts'
import type { Observations } from './observations.ts'

/** What one node's disk holds of one key when all is healed. */
export interface FinalCopy {
  readonly key: string
  readonly node: NodeId
  readonly owner: boolean
  /** Encoded; undefined where the disk has nothing. */
  readonly bytes: Buffer | undefined
  readonly record: KeyRecord | undefined
}

/** A disk lost what it held, or spoilt a record: of the writes until then, one of the copies is gone. */
export interface Loss {
  /** Virtual microseconds; `until` is later where nobody knows from when on the copy was missing. */
  readonly from: number
  readonly until: number
  /** Undefined where it was the whole disk. */
  readonly key?: string | undefined
  /** Of what was acknowledged before then nothing went with it. */
  readonly since?: number
  /** Only what that node has acknowledged, or shown, itself. */
  readonly by?: NodeId
  /** The disk was put back as it had been, and cannot know that it was away. */
  readonly unnoticed?: boolean
}

/** All that the checkers judge by. */
export interface Evidence {
  readonly history: History
  readonly observations: Observations
  /** Empty while nothing is healed. */
  readonly finals: readonly FinalCopy[]
  readonly losses: readonly Loss[]
  /** `switched`: now this, now that, and not on all nodes at once. */
  readonly conflicts: ConflictPolicy | 'switched'
  readonly n: number
  readonly gauges: readonly Gauge[]
  /** Whether the nodes kept hints for all owners out of reach. */
  readonly hints: boolean
}

/** A law of the ring that was broken. */
export interface Violation {
  readonly checker: string
  readonly key: string
  readonly message: string
}

export type Checker = (evidence: Evidence) => Violation[]
