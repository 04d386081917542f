import { KvError } from '../errors.ts'
import { LinkError } from './exchange.ts'

/** Where one attempt of an operation goes. */
export interface Attempt {
  readonly endpoint: string
  readonly timeoutMs: number
  /** How many earlier attempts of the same write may have been applied: say so (`X-KV-Attempt`). */
  readonly number: number
}

/**
 * One operation over its attempts: at each endpoint once at the most, within the time of the whole operation.
 *
 * A read may be asked anywhere. A write that got a definite refusal may be tried elsewhere; one whose answer
 * was lost may be sent again only under the same request id, and stays unknown until an attempt succeeds:
 * a later refusal says nothing about what the earlier attempt has done.
 */
export class Attempts {
  private readonly endpoints: readonly string[]
  private readonly write: boolean
  private readonly deadline: number
  private readonly monotonicMs: () => number
  private lost: KvError | undefined
  private lostCount = 0
  private refusal: KvError | undefined
  private count = 0
  private hopeless = false

  constructor(endpoints: readonly string[], write: boolean, timeoutMs: number, monotonicMs: () => number) {
    this.endpoints = endpoints
    this.write = write
    this.monotonicMs = monotonicMs
    this.deadline = monotonicMs() + timeoutMs
  }

  /** The attempts to make, each after the one before has been reported as failed. */
  *schedule(): Iterable<Attempt> {
    for (const [index, endpoint] of this.endpoints.entries()) {
      const remaining = this.deadline - this.monotonicMs()
      if (this.hopeless || remaining <= 0) return
      const last = index === this.endpoints.length - 1
      // Half of what is left, so that a node that hangs leaves time for the others.
      yield {
        endpoint,
        timeoutMs: Math.ceil(last ? remaining : remaining / 2),
        number: this.lostCount,
      }
    }
  }

  /** Takes note of what an attempt threw. @throws what is no failure of an attempt. */
  failed(endpoint: string, thrown: unknown): void {
    this.count++
    const error = asKvError(endpoint, thrown, this.write)
    this.hopeless = !error.kind.retryable
    if (this.write && !error.kind.definite) {
      this.lost ??= error
      this.lostCount++
    } else if (this.refusal === undefined || rank(error) >= rank(this.refusal)) this.refusal = error
  }

  /** The error of the whole operation, once no attempt is left. */
  verdict(): KvError {
    const { lost, refusal } = this
    // The request itself is wrong, so no attempt at it can have been applied.
    if (refusal && (refusal.code === 'usage' || refusal.code === 'too_large')) return refusal
    if (lost) return lost
    if (!refusal)
      return new KvError('unreachable', 'there was no time to ask any endpoint', 'give a longer --timeout')
    if (refusal.code !== 'unreachable' || this.count === 1) return refusal
    return new KvError(
      'unreachable',
      `none of ${this.count} endpoints answers; the last: ${refusal.message}`,
      refusal.hint,
    )
  }
}

/** Of several refusals, the one of a node that answered says more than a connection that failed. */
function rank(error: KvError): number {
  if (error.code === 'unreachable') return 0
  return error.kind.retryable ? 1 : 2
}

function asKvError(endpoint: string, thrown: unknown, write: boolean): KvError {
  if (thrown instanceof KvError) return thrown
  if (!(thrown instanceof LinkError)) throw thrown
  const what = `${endpoint}: ${thrown.message}`
  if (thrown.sent && write) {
    return new KvError(
      'outcome_unknown',
      `the write was sent but not answered (${what})`,
      'read the key to see what it holds',
    )
  }
  if (thrown.sent && thrown.timedOut) {
    return new KvError(
      'read_timeout',
      `the read was not answered (${what})`,
      'try again, or with a longer --timeout',
    )
  }
  return new KvError('unreachable', `cannot reach ${what}`, 'is the ring up? see: kv context show')
}
