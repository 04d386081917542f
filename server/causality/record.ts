import type { Actor, Dot } from './dot.ts'
import type { Stamp } from './stamp.ts'

/** What a reader sees of concurrent writes: the one with the highest (stamp, actor), or all of them. */
export type ConflictPolicy = 'lww' | 'siblings'

/** For each actor, the counter up to which all of its events on this key are known. */
export type VersionVector = ReadonlyMap<Actor, number>

/**
 * Names one write of one client, over all its retries. '' where nobody can retry it: then it is remembered by the dot
 * under which it was written first, see requestOf.
 */
export type RequestId = string

/** One value of a key that no other known write has replaced. */
export interface Sibling {
  readonly dot: Dot
  readonly stamp: Stamp
  /** null is a tombstone. */
  readonly value: Buffer | null
  /** Wall-clock milliseconds from which the value counts as deleted; 0 is never. */
  readonly expiresAtMs: number
  readonly request: RequestId
  /** Which attempt at `request` it is, from 0; the latest one that found it there has taken it over. */
  readonly attempt: number
}

/**
 * Remembers a request whose value was replaced, so that another attempt at it does not bring the value back: a
 * sibling of the same request is void, and hidden, when its claim is below this one.
 */
export interface Retirement {
  readonly request: RequestId
  readonly attempt: number
  readonly dot: Dot
  /** Whoever replaced it had seen it: every other attempt is void, later ones too. */
  readonly seen: boolean
  /** The wall time of its stamp, milliseconds. */
  readonly wallMs: number
}

/**
 * All that is known of one key: a dotted version vector set (Preguiça et al., "Dotted Version Vectors", 2010).
 *
 * Invariants: `siblings` are in dot order, and their dots are distinct and not covered by `past`. `retired` is
 * in request order, has each request once, and at most MAX_RETIRED of them. `past` covers every event that was
 * replaced, and, by the rule on Actor, only events whose effects are known here. A dot always has the same
 * value, but its stamp may be raised: by the coordinator that finds it outranked, and by a later attempt. Under
 * `lww` these two give it a fresh dot as well, see rewriteSibling.
 *
 * A sibling is only ever dropped because a write had seen it. Under `lww` too there may be several between
 * concurrent writes and the next write of the key; readers see the winner. Were a merge
 * to drop the lower of two at once, or an attempt at a request that is settled elsewhere, what it lost against
 * could still be replaced or made void by a third write; and replicas that met the three in different orders
 * would each have dropped what the others kept, until all of it were lost.
 */
export interface KeyRecord {
  readonly past: VersionVector
  readonly siblings: readonly Sibling[]
  readonly retired: readonly Retirement[]
}

/**
 * Concurrent values of one key that a write may leave, and their bytes in all. A write that would leave more is
 * refused until somebody reads the key and resolves them; owners that merge what others took may hold a few more.
 */
export const MAX_SIBLINGS = 100
export const MAX_SIBLING_BYTES = 16 * 1024 * 1024

/** The oldest are forgotten first. */
export const MAX_RETIRED = 64

/** Of requests that were replaced at about the same time those are remembered for longer that were retried, milliseconds. */
export const RETRIED_BONUS_MS = 5_000

/** A request that was never retried is remembered for as long as a retry may still come, milliseconds. */
export const RETRY_WINDOW_MS = 30_000

/** Of a request that was retried, another attempt may lie in somebody's hints for this long, milliseconds. */
export const HIDDEN_ATTEMPT_MS = 3_600_000

export const EMPTY_RECORD: KeyRecord = { past: new Map(), siblings: [], retired: [] }
