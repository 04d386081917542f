import type { NodeId } from '../ports/network.ts'
import { HEARTBEAT_INTERVAL_MS } from './failure-detector.ts'

/** A report is as old as the round it was made in, and the loss of a peer is noticed a round later. */
const REPORT_LAG_MS = 2 * HEARTBEAT_INTERVAL_MS

/** By then every observer has noticed the loss of a peer that everyone has lost, and has said so. */
const AGREEMENT_MS = 3 * HEARTBEAT_INTERVAL_MS

/**
 * A member within reach whose last report was asked for longer ago than this may have been given hints since, without
 * this node having noticed yet that it hears nothing of it any more: the detector is patient, more so after a stall of
 * its own process.
 * Two heartbeats and a half: one may be lost.
 */
export const STALE_REPORT_MS = 2.5 * HEARTBEAT_INTERVAL_MS

const NO_HOLDERS: readonly NodeId[] = []
const NOBODY: ReadonlySet<NodeId> = new Set()

/** Node ids, be they a set or the keys of a map. */
type Ids = Pick<ReadonlySet<NodeId>, 'has' | 'keys'>

interface Member {
  readonly id: NodeId
  reachable: boolean
  /** When it became unreachable. */
  lostMs: number
  /** When it, or someone else of it, was last known to be out of somebody's reach. */
  troubledMs: number
  /** It was asked then what it holds, and has said so; never, since this node's start, where -Infinity. */
  reportMs: number
  hintsFor: ReadonlySet<NodeId>
  /** It was asked then for its view, and has given it. */
  viewMs: number
  unreachable: Ids
  /** Others reached it after this node had lost it. */
  accompanied: boolean
}

/**
 * Who holds hints for whom, and whether hints may lie where this node cannot see them.
 *
 * A member M that is out of reach may hold hints unseen:
 * 1. for anyone, when it has not reported since this node's start;
 * 2. for the owners that its last report names;
 * 3. for anyone, when some other member was out of anybody's reach at any time since about that report: either
 *    it was given hints for that member, or it is (or was) on the far side of a partition together with it,
 *    where writes go on without this side's owners;
 * 4. for anyone, while some member within reach still has contact with M, or had after this node lost it: the
 *    two of them may write without this node.
 * A member in reach that has not reported since this node's start, or not for a while, may hold hints for anyone too.
 *
 * Otherwise M disappeared from everyone at once while all the others were in each other's reach: alone it can
 * acknowledge no write of W >= 2, so a single dead node does not make every read doubtful.
 *
 * Errs only on the side of `true`, but for hints given within a heartbeat before M died, to make up for an owner
 * that was slow rather than out of reach.
 */
export class HintVisibility {
  private readonly members = new Map<NodeId, Member>()
  /** When anyone last reported that this node is out of its reach. */
  private selfTroubledMs = Number.NEGATIVE_INFINITY
  private holdersByOwner = new Map<NodeId, NodeId[]>()
  private lost: { member: Member; doubtful: boolean }[] = []
  /** When the member within reach that has been silent for longest last reported. */
  private oldestReportMs = Number.POSITIVE_INFINITY
  private stale = false

  /** The other members of the layout: all out of reach until said otherwise. */
  setMembers(ids: readonly NodeId[], now: number): void {
    const kept = new Set(ids)
    for (const id of [...this.members.keys()]) if (!kept.has(id)) this.members.delete(id)
    for (const id of ids) if (!this.members.has(id)) this.members.set(id, newMember(id, now))
    this.stale = true
  }

  setReachable(id: NodeId, reachable: boolean, now: number): void {
    const member = this.members.get(id)
    if (member === undefined || member.reachable === reachable) return
    member.reachable = reachable
    member.troubledMs = now
    if (!reachable) {
      member.lostMs = now
      member.accompanied = false
    }
    this.stale = true
  }

  /**
   * A member's view of the others, and, where it has one, the owners for whom it holds hints.
   * @param askedMs when this node asked for it: since then it holds. Absent where it came unasked: it may have been
   *   on its way for long, or have waited for this process to run again, and is news of a time that nobody knows.
   */
  heard(
    by: NodeId,
    unreachable: Ids,
    hintsFor: readonly NodeId[] | undefined,
    now: number,
    askedMs?: number,
  ): void {
    const member = this.members.get(by)
    if (member === undefined) return
    member.unreachable = unreachable
    if (hintsFor !== undefined) member.hintsFor = hintsFor.length === 0 ? NOBODY : new Set(hintsFor)
    if (askedMs !== undefined) {
      member.viewMs = askedMs
      if (hintsFor !== undefined) {
        member.reportMs = askedMs
        member.accompanied = false
      }
    }
    for (const id of unreachable.keys()) {
      const troubled = this.members.get(id)
      if (troubled === undefined) this.selfTroubledMs = now
      else troubled.troubledMs = now
    }
    for (const other of this.members.values()) {
      const together = other !== member && !other.reachable && !unreachable.has(other.id)
      if (together && now >= other.lostMs + AGREEMENT_MS) other.accompanied = true
    }
    this.stale = true
  }

  mayBeElsewhere(owner: NodeId, now: number): boolean {
    if (this.stale) this.refresh()
    if (now - this.oldestReportMs > STALE_REPORT_MS && this.silent(owner, now)) return true
    for (const { member, doubtful } of this.lost) {
      if (member.id !== owner && (doubtful || member.hintsFor.has(owner))) return true
    }
    return false
  }

  /** Members within reach whose last report names the owner. */
  holders(owner: NodeId): readonly NodeId[] {
    if (this.stale) this.refresh()
    return this.holdersByOwner.get(owner) ?? NO_HOLDERS
  }

  /** Once after each change rather than at each read: reads are far more frequent than heartbeats. */
  private refresh(): void {
    this.stale = false
    this.lost = []
    this.holdersByOwner = new Map()
    this.oldestReportMs = Number.POSITIVE_INFINITY
    for (const member of this.members.values()) {
      if (!member.reachable) this.lost.push({ member, doubtful: this.doubtful(member) })
      else {
        this.oldestReportMs = Math.min(this.oldestReportMs, member.reportMs)
        for (const owner of member.hintsFor) this.addHolder(owner, member.id)
      }
    }
  }

  private silent(owner: NodeId, now: number): boolean {
    for (const { id, reachable, reportMs } of this.members.values()) {
      if (id !== owner && reachable && now - reportMs > STALE_REPORT_MS) return true
    }
    return false
  }

  private addHolder(owner: NodeId, holder: NodeId): void {
    const holders = this.holdersByOwner.get(owner)
    if (holders === undefined) this.holdersByOwner.set(owner, [holder])
    else holders.push(holder)
  }

  private doubtful(lost: Member): boolean {
    const since = lost.reportMs - REPORT_LAG_MS
    if (lost.reportMs === Number.NEGATIVE_INFINITY || lost.accompanied || this.selfTroubledMs >= since)
      return true
    for (const other of this.members.values()) {
      if (other === lost) continue
      if (!other.reachable || other.troubledMs >= since) return true
      if (other.viewMs < lost.lostMs || !other.unreachable.has(lost.id)) return true
    }
    return false
  }
}

function newMember(id: NodeId, now: number): Member {
  return {
    id,
    reachable: false,
    lostMs: now,
    troubledMs: now,
    reportMs: Number.NEGATIVE_INFINITY,
    hintsFor: NOBODY,
    viewMs: Number.NEGATIVE_INFINITY,
    unreachable: NOBODY,
    accompanied: false,
  }
}
