import { type Dot, sameDot } from './dot.ts'
import { MAX_RETIRED, type RequestId, type Retirement, type Sibling } from './record.ts'

/** The dot under which the request was settled, if that is known. */
export function settledAs(retired: readonly Retirement[], request: RequestId): Dot | undefined {
  if (request === '') return undefined
  for (const retirement of retired) if (retirement.request === request) return retirement.dot
  return undefined
}

/** Whether the sibling is an attempt at a request that was settled by another attempt. */
export function isVoid(retired: readonly Retirement[], sibling: Sibling): boolean {
  if (retired.length === 0) return false
  const settled = settledAs(retired, sibling.request)
  return settled !== undefined && !sameDot(settled, sibling.dot)
}

/** By counter, then by actor. Counters of different actors say little of time, but every node agrees on it. */
export function compareAge(a: Dot, b: Dot): number {
  if (a.counter !== b.counter) return a.counter - b.counter
  return a.actor < b.actor ? -1 : a.actor > b.actor ? 1 : 0
}

/**
 * The retirements of both: where they settle one request differently the higher dot by (counter, actor), and
 * of more than MAX_RETIRED requests those with the highest. One order for both rules makes the outcome
 * independent of the order of joins. `a` itself when `b` adds nothing.
 */
export function joinRetired(a: readonly Retirement[], b: readonly Retirement[]): readonly Retirement[] {
  if (b.length === 0 || a === b) return a
  if (a.length === 0) return b
  const byRequest = new Map<RequestId, Retirement>()
  for (const retirement of a) byRequest.set(retirement.request, retirement)
  for (const retirement of b) {
    const known = byRequest.get(retirement.request)
    if (known === undefined || compareAge(known.dot, retirement.dot) < 0)
      byRequest.set(retirement.request, retirement)
  }
  const joined = [...byRequest.values()]
    .sort((x, y) => compareAge(y.dot, x.dot) || (x.request < y.request ? -1 : 1))
    .slice(0, MAX_RETIRED)
    .sort((x, y) => (x.request < y.request ? -1 : 1))
  if (joined.length === a.length && joined.every((retirement, i) => retirement === a[i])) return a
  return joined
}
