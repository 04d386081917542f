import type { Counters } from '../shared/counters.ts'
import type { Repair } from './anti-entropy/repair.ts'
import type { Handoff } from './handoff/handoff.ts'
import type { NodeReport } from './membership/heartbeat.ts'
import type { Membership } from './membership/membership.ts'
import type { Census } from './replica/census.ts'
import type { Collection } from './replica/collection.ts'
import type { GroupCommit } from './replica/group-commit.ts'
import type { RecordCache } from './replica/record-cache.ts'
import type { PeerRpc } from './rpc/peer-rpc.ts'

export interface StatsSources {
  readonly counters: Counters
  readonly census: Census
  readonly handoff: Handoff
  readonly commit: GroupCommit
  readonly cache: RecordCache
  readonly rpc: PeerRpc
  readonly repair: Repair
  readonly collection: Collection
  readonly membership: Membership
}

/** Counters and gauges, by Prometheus name without the `kvring_` prefix; counters end in `_total`. */
export function nodeStats(sources: StatsSources): ReadonlyMap<string, number> {
  const { counters, census, handoff, commit, cache, rpc, repair, collection, membership } = sources
  const stats = new Map<string, number>(counters.entries())
  stats.set('keys', census.keys)
  stats.set('tombstones', census.tombstones)
  stats.set('data_bytes', census.bytes)
  handoff.addStats(stats)
  stats.set('commits_total', commit.commits)
  stats.set('record_cache_bytes', cache.bytes)
  stats.set('peer_requests_waiting', rpc.waiting)
  repair.addStats(stats)
  collection.addStats(stats)
  stats.set('members_up', membership.members().filter((member) => member.state === 'up').length)
  return stats
}

/** What a node tells its peers of itself. */
export function nodeReport({ census, handoff, repair, commit }: StatsSources, wallMs: number): NodeReport {
  const { hints } = handoff
  const held = hints.held()
  const oldest = held.reduce((least, { oldestMs }) => Math.min(least, oldestMs), wallMs)
  return {
    keys: census.keys,
    bytes: census.bytes,
    tombstones: census.tombstones,
    hintsHeld: hints.count,
    hintBytes: hints.bytes,
    oldestHintMs: Math.max(0, wallMs - oldest),
    hintsFor: held.map(({ target }) => target),
    divergentSlots: repair.divergentSlots,
    unfilledSlots: handoff.completeness.unfilled,
    commits: commit.lifetime,
  }
}
