import type {
  FaultRule,
  HintsReplayed,
  HintsStatus,
  LocateResult,
  PolicyResult,
  RemovalResult,
  RepairStatus,
  RingStatus,
  ScrubStatus,
  TombstonesStatus,
} from '../../shared/api.ts'
import type { Key } from '../../shared/key.ts'
import type { KeyRepairResult, KeyReport } from '../../shared/key-report.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { Coordinator } from '../coordinator/outcome.ts'
import type { Layout } from '../membership/layout.ts'
import type { NodeId } from '../ports/network.ts'

/** What the HTTP API needs of the node that it serves. */
export interface ServedNode {
  readonly coordinator: Coordinator
  readonly repair: ServedRepair
  /** All copies of one key. */
  readonly keys: {
    explain(key: Key, timeoutMs?: number): Promise<KeyReport>
    repair(key: Key, timeoutMs?: number): Promise<KeyRepairResult>
  }
  readiness(): { readonly ready: boolean; readonly reason: string }
  healthy(): boolean
  status(): RingStatus
  /** @throws KvError `not_ready` before the first layout. */
  locate(key: Key): LocateResult
  hints(): HintsStatus
  tombstones(): TombstonesStatus
  /** Sends what waits for the owner, or for all of them, now. */
  replayHints(target?: string): HintsReplayed
  /** Who owns what; undefined before the first layout. */
  placement(): ServedPlacement | undefined
  /** Rejects with `no_quorum` where nothing was changed, `outcome_unknown` where nobody knows yet. */
  changePolicy(policy: ConflictPolicy): Promise<PolicyResult>
  /**
   * Takes a node out of the ring for good. Rejects with `not_found` for no member, `conflict` where it must not go
   * now, and as changePolicy. @param force also where acknowledged writes may be lost with it.
   */
  removeNode(id: NodeId, force: boolean): Promise<RemovalResult>
  /** @throws KvError `usage` for a rule that makes no sense, `forbidden` where chaos is off. */
  addFault(rule: FaultRule): void
  /** @returns how many were healed; without an id, all. */
  healFault(id?: string): number
  faults(): readonly FaultRule[]
  stats(): ReadonlyMap<string, number>
}

export interface ServedRepair {
  repairStatus(): RepairStatus
  scrubStatus(): ScrubStatus
  /** Of one slot the records and digests are checked first. */
  compareNow(slot?: number): void
  pause(): void
  resume(): void
  scrubNow(): void
}

export interface ServedPlacement {
  readonly layout: Layout
  readonly slots: { owners(slot: number): readonly NodeId[] }
}
