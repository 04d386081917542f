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
 * How the time of an operation is shared out. The attempts of a `read` overlap, so each may take all that is left.
 * Those of a `write` and of a `stream` follow each other: a node that hangs must leave time for the others.
 */
export type Pace = 'read' | 'write' | 'stream'

/**
 * Longest that a write is waited for while there is another endpoint, milliseconds: enough for a node that finds
 * owners silent to leave hints elsewhere.
 */
const WRITE_ATTEMPT_MS = 2_000

/**
 * One operation over its attempts: at each endpoint once at the most, within the time of the whole operation.
 *
 * A read may be asked anywhere. A write that got a definite refusal may be tried elsewhere; one whose answer
 * was lost may be sent again only under the same request id, and stays unknown until an attempt succeeds:
 * a later refusal says nothing about what the earlier attempt has done.
 */
export class Attempts {
  private readonly endpoints: readonly string[]
  private readonly pace: Pace
  private readonly deadline: number
  private readonly monotonicMs: () => number
  private readonly longMs: number | undefined
  private lost: KvError | undefined
  private lostCount = 0
  private refusal: KvError | undefined
  private count = 0
  private final = false

  /** @param longMs what a sound node may take for a write that takes long. */
  constructor(
    endpoints: readonly string[],
    pace: Pace,
    timeoutMs: number,
    monotonicMs: () => number,
    longMs?: number,
  ) {
    this.endpoints = endpoints
    this.pace = pace
    this.monotonicMs = monotonicMs
    this.longMs = longMs
    this.deadline = monotonicMs() + timeoutMs
  }

  /** Whether the last failure would be that of every other attempt too. */
  get hopeless(): boolean {
    return this.final
  }

  /** The attempts to make: those of a write each after the one before has been reported as failed. */
  *schedule(): Iterable<Attempt> {
    for (const [index, endpoint] of this.endpoints.entries()) {
      const remaining = this.deadline - this.monotonicMs()
      if (this.final || remaining <= 0) return
      const last = index === this.endpoints.length - 1
      const timeoutMs = Math.ceil(last ? remaining : this.share(remaining))
      yield { endpoint, timeoutMs, number: this.lostCount }
    }
  }

  /** Takes note of what an attempt threw. @throws what is no failure of an attempt. */
  failed(endpoint: string, thrown: unknown): void {
    this.count++
    const write = this.pace === 'write'
    const error = asKvError(endpoint, thrown, write)
    this.final = !error.kind.retryable
    if (write && !error.kind.definite) {
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

  private share(remainingMs: number): number {
    if (this.pace === 'read') return remainingMs
    if (this.longMs !== undefined) return Math.min(remainingMs, this.longMs)
    return this.pace === 'write' ? Math.min(remainingMs / 2, WRITE_ATTEMPT_MS) : remainingMs / 2
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
