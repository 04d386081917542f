import type { Sibling } from '../../../server/causality/record.ts'
import { covers } from '../../../server/causality/version-vector.ts'
import type { NodeId } from '../../../server/ports/network.ts'
import type { Evidence, Loss } from '../evidence.ts'
import { type Attempt, acknowledgement, began, type ReadOp, type WriteOp } from '../history.ts'
import { compareRanks, type Sighting } from '../observations.ts'
import { Retries } from './retries.ts'
import { WriteSet } from './write-set.ts'

/** By then every node in reach has heard, by heartbeats, of a hint that counted for a sloppy write, microseconds. */
const HINT_NEWS = 1_000_000

/**
 * Whether the read must know of the write, as far as the time between them goes: of a quorum of owners at once, of
 * hints when the news of them has gone round, and of a hint that was the only copy perhaps never. Nor where nodes
 * keep no hints: what a fallback coordinates then tells nobody which owners lack it.
 */
export function inTime(evidence: Evidence, read: ReadOp, write: WriteOp): boolean {
  const ack = acknowledgement(write)
  if (ack === undefined || (ack.sloppy && (ack.acks < 2 || !evidence.hints))) return false
  return ack.completedAt + (ack.sloppy ? HINT_NEWS : 0) < read.invokedAt
}

const supersessions = new WeakMap<Evidence, Map<string, Supersession>>()

/** The same one for all checkers: what one of them has worked out, the others need not. */
export function supersessionOf(evidence: Evidence, key: string): Supersession {
  const byKey = supersessions.get(evidence) ?? new Map<string, Supersession>()
  supersessions.set(evidence, byKey)
  const supersession = byKey.get(key) ?? new Supersession(evidence, key)
  byKey.set(key, supersession)
  return supersession
}

/** Which writes of one key explain the absence of which others. */
export class Supersession {
  readonly writes: readonly WriteOp[]
  readonly reads: readonly ReadOp[]
  readonly retries: Retries
  private readonly evidence: Evidence
  private readonly losses: readonly Loss[]
  private readonly byValue = new Map<string, WriteOp>()
  private readonly byRequest = new Map<string, WriteOp>()
  private readonly seenBy = new Map<WriteOp, readonly WriteOp[]>()
  private readonly followersOf = new Map<WriteOp, readonly WriteOp[]>()
  private readonly closures = new Map<WriteOp, WriteSet>()
  private readonly numbers: ReadonlyMap<WriteOp, number>
  /** Writes that some disk has seen, lowest rank first. */
  private readonly ranked: readonly { write: WriteOp; lowest: Sighting; highest: Sighting }[]
  private readonly highest = new Map<WriteOp, Sighting>()
  private readonly lowest = new Map<WriteOp, Sighting>()
  /** The writes, earliest first. */
  private readonly byBegin: readonly WriteOp[]

  constructor(evidence: Evidence, key: string) {
    this.evidence = evidence
    this.losses = evidence.losses.filter((loss) => loss.key === undefined || loss.key === key)
    this.writes = evidence.history.writes.filter((write) => write.key === key)
    this.reads = evidence.history.reads.filter((read) => read.key === key)
    this.retries = new Retries(evidence, this.writes)
    this.numbers = new Map(this.writes.map((write, number) => [write, number]))
    const ranked = []
    for (const write of this.writes) {
      if (write.value !== null) this.byValue.set(write.value, write)
      this.byRequest.set(write.request, write)
      const ranks = evidence.observations.ranks(write.request)
      if (ranks === undefined) continue
      ranked.push({ write, ...ranks })
      this.highest.set(write, ranks.highest)
      this.lowest.set(write, ranks.lowest)
    }
    this.ranked = ranked.sort((a, b) => compareRanks(a.lowest, b.lowest))
    this.byBegin = [...this.writes].sort((a, b) => (began(a) < began(b) ? -1 : began(a) > began(b) ? 1 : 0))
  }

  /** The write of a value that was read; undefined for one that nobody wrote to this key. */
  ofValue(value: string): WriteOp | undefined {
    return this.byValue.get(value)
  }

  /** The writes that a version on a disk may stem from; a settled request can leave a version without its name. */
  ofSibling(sibling: Sibling): readonly WriteOp[] {
    const write = this.byRequest.get(sibling.request)
    if (write !== undefined) return [write]
    const value = sibling.value?.toString('latin1') ?? null
    return this.writes.filter((candidate) => candidate.value === value && candidate.attempts.length > 1)
  }

  /** What the writer had read, and so replaced. */
  seen(write: WriteOp): readonly WriteOp[] {
    let seen = this.seenBy.get(write)
    if (seen === undefined) {
      seen = this.readBy(write)
      this.seenBy.set(write, seen)
    }
    return seen
  }

  /** What a reader who is shown these writes need not be shown as well: themselves, and all that they replace. */
  explained(present: readonly WriteOp[]): WriteSet {
    const explained = new WriteSet(this.numbers)
    for (const write of present) explained.addAll(this.closure(write))
    return explained
  }

  /** The acknowledged writes that come after `loser` for sure. */
  followers(loser: WriteOp): readonly WriteOp[] {
    let followers = this.followersOf.get(loser)
    if (followers === undefined) {
      followers = this.writes.filter(
        (write) => acknowledgement(write) !== undefined && this.follows(write, loser),
      )
      this.followersOf.set(loser, followers)
    }
    return followers
  }

  /** Every version of `write` loses to every version of `other`. */
  ranksBelow(write: WriteOp, other: WriteOp): boolean {
    const highest = this.highest.get(write)
    const lowest = this.lowest.get(other)
    return highest !== undefined && lowest !== undefined && compareRanks(highest, lowest) < 0
  }

  /** Some version of `write` wins over every version of `other`. */
  ranksAbove(write: WriteOp, other: WriteOp): boolean {
    const ours = this.highest.get(write)
    const theirs = this.highest.get(other)
    return ours !== undefined && theirs !== undefined && compareRanks(ours, theirs) > 0
  }

  /**
   * `winner` was written after `loser` for sure: its writer had seen it, or, under `lww`, began after a quorum
   * that meets its own had acknowledged the other.
   */
  private follows(winner: WriteOp, loser: WriteOp): boolean {
    if (winner === loser) return false
    // A first dot that was outranked unseen is in contexts all the same; of the next they say nothing.
    const surely = !(invisible(loser) && this.retries.writtenTwice(loser))
    if (surely && this.seen(winner).includes(loser)) return true
    if (this.evidence.conflicts !== 'lww' || loser.w + winner.w <= this.evidence.n) return false
    const first = acknowledgement(loser)
    const second = acknowledgement(winner)
    if (first === undefined || second === undefined || first.sloppy || second.sloppy) return false
    if (this.aloneAt(second)) return false
    return (
      first.completedAt < began(winner) &&
      !this.lostBetween(first.completedAt, second.completedAt, first.node)
    )
  }

  /** The node had been lost to the others by then, and did not know: its quorums meet none of theirs. */
  private aloneAt({ completedAt, node }: Pick<Attempt, 'completedAt' | 'node'>): boolean {
    return this.losses.some((loss) => loss.by !== undefined && concerns(loss, completedAt, node))
  }

  /** Whether a copy of what was there at `from` may be gone by `to`. */
  lostBetween(from: number, to: number, by?: NodeId): boolean {
    return this.losses.some((loss) => concerns(loss, from, by) && loss.from <= to)
  }

  /**
   * Whether a quorum of a read at `to` may miss what was acknowledged so. An owner whose disk has lost its copy does
   * not count until it has been filled, so that one disk is not enough where two owners had it.
   */
  missable(
    { completedAt, acks, sloppy, node }: Pick<Attempt, 'completedAt' | 'acks' | 'sloppy' | 'node'>,
    to: number,
  ): boolean {
    const solid = acks > 1 && !sloppy
    return this.losses.some(
      (loss) =>
        concerns(loss, completedAt, node) &&
        loss.from <= to &&
        !(solid && loss.key === undefined && !loss.unnoticed),
    )
  }

  private readBy(write: WriteOp): readonly WriteOp[] {
    const { basis } = write
    if (basis === undefined) return []
    const seen: WriteOp[] = []
    for (const other of this.writes) {
      if (other === write) continue
      if (other.value !== null && basis.values.includes(other.value)) seen.push(other)
      // A tombstone or an expired value is not shown, but the context of the read tells of it.
      else if (invisible(other) && this.inContext(basis, other)) seen.push(other)
    }
    return seen
  }

  /** Among siblings, a delete without a context removes what its coordinator found: any that began before this. */
  private mayHaveSeenUntil(write: WriteOp): number {
    if (this.evidence.conflicts === 'lww' || write.value !== null || write.basis !== undefined)
      return Number.NEGATIVE_INFINITY
    return Math.max(
      ...write.attempts.map((attempt) =>
        attempt.outcome === 'ok' ? attempt.completedAt : Number.POSITIVE_INFINITY,
      ),
    )
  }

  private inContext(basis: ReadOp, write: WriteOp): boolean {
    const { context } = basis
    if (context === undefined) return false
    const sightings = this.evidence.observations.byRequest.get(write.request) ?? []
    return sightings.some((sighting) => covers(context.vector, sighting.dot))
  }

  private closure(write: WriteOp): WriteSet {
    let closure = this.closures.get(write)
    if (closure === undefined) {
      closure = this.close(write)
      this.closures.set(write, closure)
    }
    return closure
  }

  private close(from: WriteOp): WriteSet {
    const closure = new WriteSet(this.numbers)
    const pending = [from]
    const lww = this.evidence.conflicts !== 'siblings'
    let top: Sighting | undefined
    let below = 0
    let seenUntil = Number.NEGATIVE_INFINITY
    let early = 0
    // What is in for its time or its rank comes one by one, in that order: never all of it for each write anew.
    const next = (): WriteOp | undefined => {
      const earliest = this.byBegin[early]
      if (earliest !== undefined && began(earliest) < seenUntil) {
        early++
        return earliest
      }
      const lowest = lww ? this.ranked[below] : undefined
      if (lowest === undefined || top === undefined || compareRanks(lowest.lowest, top) > 0) return undefined
      below++
      return lowest.write
    }
    for (let write = pending.pop() ?? next(); write !== undefined; write = pending.pop() ?? next()) {
      if (closure.has(write)) continue
      const known = this.closures.get(write)
      if (known !== undefined) {
        closure.addAll(known)
        continue
      }
      closure.add(write)
      for (const seen of this.seen(write)) if (!closure.has(seen)) pending.push(seen)
      seenUntil = Math.max(seenUntil, this.mayHaveSeenUntil(write))
      const rank = this.highest.get(write)
      if (rank !== undefined && (top === undefined || compareRanks(rank, top) > 0)) top = rank
    }
    return closure
  }
}

/** Of what the node acknowledged at that time a copy may have gone with it. */
function concerns({ until, since = 0, by }: Loss, at: number, node: NodeId | undefined): boolean {
  return until >= at && since <= at && (by === undefined || by === node)
}

/** Readers may not be shown it although it is there: a tombstone, or a value that has expired. */
function invisible(write: WriteOp): boolean {
  return write.value === null || write.ttlMs > 0
}
