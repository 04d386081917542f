import type { BatchOperation } from '../../shared/api.ts'
import type { BatchOutcome } from '../../shared/client/batch.ts'
import { LinkError } from '../../shared/client/exchange.ts'
import { encodeKey } from '../../shared/encoding.ts'
import { KvError } from '../../shared/errors.ts'
import type { Lanes } from './lanes.ts'
import type { Job } from './queue.ts'

/** What became of a record. `unsent` ones are certainly not written, through no fault of theirs. */
export type Outcome =
  | { readonly kind: 'written' }
  | { readonly kind: 'rejected' | 'unknown' | 'unsent'; readonly error: KvError }

export interface DeliveryComponents {
  readonly lanes: Lanes
  readonly send: (
    endpoint: string,
    operations: readonly BatchOperation[],
  ) => AsyncIterable<readonly BatchOutcome[]>
  /** Whether the endpoint answers at all. Never rejects. */
  readonly alive: (endpoint: string) => Promise<boolean>
  readonly monotonicMs: () => number
  readonly sleep: (ms: number) => Promise<void>
}

const FIRST_BACKOFF_MS = 20
const LONGEST_BACKOFF_MS = 2_000
const HINT = 'is the ring up? see: kv context show'

/**
 * Sends batches until each record of them has its outcome: what is refused for now (overloaded, no quorum, a node
 * that is gone) is sent again to the next lane, later and later, for `patienceMs` at the most.
 */
export class Delivery {
  private readonly components: DeliveryComponents
  private readonly patienceMs: number

  constructor(components: DeliveryComponents, settings: { readonly patienceMs: number }) {
    this.components = components
    this.patienceMs = settings.patienceMs
  }

  async deliver(
    jobs: readonly Job[],
    lane: number,
    settle: (job: Job, outcome: Outcome) => void,
  ): Promise<void> {
    const { lanes, monotonicMs, sleep } = this.components
    const deadline = monotonicMs() + this.patienceMs
    let backoffMs = FIRST_BACKOFF_MS
    for (let pending = jobs, at = lane; ; at = lanes.another(at)) {
      const { left, error } = await this.attempt(pending, at, settle)
      if (error === undefined || left.length === 0) return
      if (error.code === 'too_large' && left.length > 1) {
        const middle = left.length >> 1
        await this.deliver(left.slice(0, middle), at, settle)
        return this.deliver(left.slice(middle), at, settle)
      }
      if (!error.kind.retryable || monotonicMs() + backoffMs > deadline) {
        for (const job of left) settle(job, verdict(job, error))
        return
      }
      await sleep(backoffMs)
      backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS)
      pending = left
    }
  }

  /** @returns the jobs without an outcome, and why. */
  private async attempt(
    jobs: readonly Job[],
    lane: number,
    settle: (job: Job, outcome: Outcome) => void,
  ): Promise<{ left: Job[]; error: KvError | undefined }> {
    const { lanes, send, alive } = this.components
    const left: Job[] = []
    // A process that hangs takes batches all the same, and what became of them would be unknown.
    if (!lanes.isAlive(lane) && !(await alive(lanes.endpoint(lane)))) {
      lanes.failed(lane)
      return { left: [...jobs], error: silent(lanes.endpoint(lane)) }
    }
    let error: KvError | undefined
    let answered = 0
    try {
      for await (const outcomes of send(lanes.endpoint(lane), jobs.map(toOperation))) {
        for (const outcome of outcomes) {
          const job = jobs[answered++]
          if (job === undefined) break
          if (outcome.error === undefined) settle(job, { kind: 'written' })
          else if (!outcome.error.kind.retryable) settle(job, verdict(job, outcome.error))
          else {
            if (!outcome.error.kind.definite) noteUnknown(job)
            left.push(job)
            error = outcome.error
          }
        }
      }
      lanes.answered(lane)
    } catch (thrown) {
      const sent = !(thrown instanceof KvError) && !(thrown instanceof LinkError && !thrown.sent)
      for (const job of jobs.slice(answered)) {
        if (sent) noteUnknown(job)
        left.push(job)
      }
      error = brokenOff(thrown, lanes.endpoint(lane))
      if (!(thrown instanceof KvError) || error.code === 'not_ready') lanes.failed(lane)
    }
    return { left, error }
  }
}

function silent(endpoint: string): KvError {
  return new KvError('unreachable', `${endpoint} does not answer`, HINT)
}

function brokenOff(thrown: unknown, endpoint: string): KvError {
  if (thrown instanceof KvError) return thrown
  if (!(thrown instanceof LinkError)) throw thrown
  if (!thrown.sent) return new KvError('unreachable', `cannot reach ${endpoint}: ${thrown.message}`, HINT)
  return new KvError('outcome_unknown', `${endpoint}: ${thrown.message}`, HINT)
}

function verdict(job: Job, error: KvError): Outcome {
  const { code, kind } = error
  // Refused for what it is, however often it was sent.
  if (code === 'usage' || code === 'too_large' || code === 'conflict' || code === 'cas_mismatch')
    return { kind: 'rejected', error }
  if (job.unknown || !kind.definite) return { kind: 'unknown', error }
  return { kind: 'unsent', error }
}

function noteUnknown(job: Job): void {
  job.unknown = true
  job.attempt++
}

function toOperation({ entry, requestId, attempt }: Job): BatchOperation {
  const operation: BatchOperation = { op: 'put', ...encodeKey(entry.key), value: entry.value, requestId }
  if (entry.encoding !== 'utf8') operation.encoding = entry.encoding
  if (entry.ttlMs !== undefined) operation.ttl = entry.ttlMs
  if (attempt > 0) operation.attempt = attempt
  return operation
}
