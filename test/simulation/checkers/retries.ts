import { MAX_RETIRED, RETRY_WINDOW_MS, type VersionVector } from '../../../server/causality/record.ts'
import { covers } from '../../../server/causality/version-vector.ts'
import type { Evidence } from '../evidence.ts'
import { began, type ReadOp, type WriteOp } from '../history.ts'
import { dotText, type Sighting } from '../observations.ts'

/** Which writes of one key were applied more than once, and what records may have forgotten of that. */
export class Retries {
  private readonly evidence: Evidence
  private readonly writes: readonly WriteOp[]

  constructor(evidence: Evidence, writes: readonly WriteOp[]) {
    this.evidence = evidence
    this.writes = writes
  }

  /** Under several dots: by several attempts, or by one that was lifted. */
  writtenTwice({ request }: WriteOp): boolean {
    const sightings = this.sightings(request)
    return sightings.some(({ dot }) => dotText(dot) !== dotText((sightings[0] as Sighting).dot))
  }

  /** By several attempts. */
  appliedTwice({ request }: WriteOp): boolean {
    const firstAttempts = new Map<string, number>()
    for (const { dot, attempt } of this.sightings(request)) {
      const name = dotText(dot)
      firstAttempts.set(name, Math.min(attempt, firstAttempts.get(name) ?? attempt))
    }
    return new Set(firstAttempts.values()).size > 1
  }

  /**
   * The write was applied twice, and a record remembers no request for ever, nor as many as were retried before or
   * came since: an attempt may have come back after the other was replaced. Ages are told by the milliseconds of
   * stamps, which stand still for a while after a crash.
   */
  forgotten(loser: WriteOp, read: ReadOp): boolean {
    if (!this.appliedTwice(loser)) return false
    const loserMs = this.ranks(loser)?.lowest.stamp.wallMs ?? Number.POSITIVE_INFINITY
    const stampMs = (write: WriteOp) => this.ranks(write)?.highest.stamp.wallMs ?? 0
    const earlier = this.writes.filter((write) => began(write) < read.completedAt)
    if (earlier.some((write) => write !== loser && stampMs(write) - loserMs >= RETRY_WINDOW_MS)) return true
    const remembered = earlier.filter(
      (write) => began(write) > began(loser) || this.appliedTwice(write) || stampMs(write) >= loserMs,
    )
    return remembered.length > MAX_RETIRED
  }

  /**
   * Among siblings, deletes without a context of which a later attempt has found the tombstone of an earlier one, and
   * removed that like all else: then they are done with, and what is left of them is in the past of the record.
   */
  ownTombstoneRemoved(past: VersionVector): readonly WriteOp[] {
    if (this.evidence.conflicts === 'lww') return []
    return this.writes.filter((write) => {
      if (write.value !== null || write.basis !== undefined || !this.appliedTwice(write)) return false
      return this.sightings(write.request).some(({ dot }) => covers(past, dot))
    })
  }

  private sightings(request: string): readonly Sighting[] {
    return this.evidence.observations.byRequest.get(request) ?? []
  }

  private ranks({ request }: WriteOp): { lowest: Sighting; highest: Sighting } | undefined {
    return this.evidence.observations.ranks(request)
  }
}
