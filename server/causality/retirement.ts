import { type Dot, sameDot } from './dot.ts'
import {
  type KeyRecord,
  MAX_RETIRED,
  RETRIED_BONUS_MS,
  type RequestId,
  type Retirement,
  type Sibling,
} from './record.ts'

/** One attempt at a request, as it stands beside the others. */
interface Claim {
  readonly attempt: number
  readonly dot: Dot
}

/** Where a request stands: the attempt that counts, and the sibling that it made unless that was replaced. */
export interface Settlement extends Claim {
  readonly sibling: Sibling | undefined
}

/** The later attempt counts; of two of one number, which a client should not send, the higher dot. */
function compareClaims(a: Claim, b: Claim): number {
  return a.attempt - b.attempt || compareAge(a.dot, b.dot)
}

/** What is known here of the request; undefined where no attempt at it has come by. */
export function settlementOf(record: KeyRecord, request: RequestId): Settlement | undefined {
  if (request === '') return undefined
  let top: Sibling | undefined
  for (const sibling of record.siblings) {
    if (sibling.request === request && (top === undefined || compareClaims(sibling, top) > 0)) top = sibling
  }
  const retirement = record.retired.find((known) => known.request === request)
  if (retirement !== undefined && (top === undefined || outlives(retirement, top))) {
    return { attempt: retirement.attempt, dot: retirement.dot, sibling: undefined }
  }
  return top === undefined ? undefined : { attempt: top.attempt, dot: top.dot, sibling: top }
}

/** By what its request is remembered: where nobody can retry it, by the dot under which it was written first. */
export function requestOf({ request, dot }: Pick<Sibling, 'request' | 'dot'>): RequestId {
  return request === '' ? `${dot.actor}:${dot.counter}` : request
}

/** Whether the sibling is an attempt at a request that another attempt stands for. */
export function isVoid(record: KeyRecord, sibling: Sibling): boolean {
  if (record.siblings.length < 2 && record.retired.length === 0) return false
  const request = requestOf(sibling)
  for (const retirement of record.retired) {
    if (retirement.request === request && outlives(retirement, sibling)) return true
  }
  return record.siblings.some((other) => other.request === request && compareClaims(other, sibling) > 0)
}

/**
 * Whether somebody has seen and replaced the sibling's request, so that it stays void for ever. Of attempts that only
 * rank below another the order may change: a later one may still take over the lower of them.
 */
export function isConsumed(record: KeyRecord, sibling: Sibling): boolean {
  if (record.retired.length === 0) return false
  const { dot } = sibling
  const request = requestOf(sibling)
  return record.retired.some((known) => known.seen && known.request === request && !sameDot(known.dot, dot))
}

function outlives(retirement: Retirement, sibling: Sibling): boolean {
  if (sameDot(retirement.dot, sibling.dot)) return false
  return retirement.seen || compareClaims(retirement, sibling) > 0
}

/** `seen` says that whoever replaced the sibling had seen it. */
export function retirementOf(sibling: Sibling, seen: boolean): Retirement {
  const { attempt, dot, stamp } = sibling
  return { request: requestOf(sibling), attempt, dot, seen, wallMs: stamp.wallMs }
}

/** By counter, then by actor. Counters of different actors say little of time, but every node agrees on it. */
function compareAge(a: Dot, b: Dot): number {
  if (a.counter !== b.counter) return a.counter - b.counter
  return a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0
}

/**
 * The retirements of both: of two for one request the one that makes more attempts void, and of more than
 * MAX_RETIRED requests the youngest, by `youth`. Both lists are in request order, and so is the
 * outcome: `a` itself when `b` adds nothing.
 */
export function joinRetired(a: readonly Retirement[], b: readonly Retirement[]): readonly Retirement[] {
  if (b.length === 0 || a === b) return a
  if (a.length === 0 && b.length <= MAX_RETIRED) return b
  const joined: Retirement[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const x = a[i]
    const y = b[j]
    const order = x === undefined ? 1 : y === undefined ? -1 : byRequestId(x, y)
    if (order <= 0) i++
    if (order >= 0) j++
    const retirement = order < 0 ? x : order > 0 ? y : moreVoiding(x as Retirement, y as Retirement)
    if (retirement !== undefined) joined.push(retirement)
  }
  const kept = joined.length > MAX_RETIRED ? mostNeeded(joined) : joined
  if (kept.length === a.length && kept.every((retirement, i) => retirement === a[i])) return a
  return kept
}

function moreVoiding(x: Retirement, y: Retirement): Retirement {
  const order = Number(x.seen) - Number(y.seen) || compareClaims(x, y) || x.wallMs - y.wallMs
  return order >= 0 ? x : y
}

/** MAX_RETIRED of more, in the order in which they are. */
function mostNeeded(retired: readonly Retirement[]): Retirement[] {
  const last = retired.toSorted(mostNeededFirst)[MAX_RETIRED - 1] as Retirement
  return retired.filter((retirement) => mostNeededFirst(retirement, last) <= 0)
}

function mostNeededFirst(a: Retirement, b: Retirement): number {
  return youth(b) - youth(a) || compareAge(b.dot, a.dot) || byRequestId(a, b)
}

/**
 * A retry of a request that was never retried may be under way now; another attempt at one that was may lie somewhere
 * for long, but rather where that happened a moment ago. So the latter counts as younger than it is, but by little: on a
 * key with many retries nothing else would be remembered.
 */
function youth({ attempt, wallMs }: Retirement): number {
  return attempt > 0 ? wallMs + RETRIED_BONUS_MS : wallMs
}

function byRequestId(a: Retirement, b: Retirement): number {
  return a.request < b.request ? -1 : a.request > b.request ? 1 : 0
}
