import { KvError, toKvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import { type CoordinateRequest, FORWARD, type ForwardResponse } from '../rpc/forward-method.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import type { Moment } from '../rpc/moment.ts'
import type { RingView } from './ring-view.ts'

/** Least time that a forwarded write is waited for before another owner is tried, milliseconds. */
const LEAST_ATTEMPT_MS = 1_000

/** Two monotonic clocks never run further apart than this, seconds a second. */
const CLOCK_RATE_ERROR = 0.01

export interface RouteComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly ring: RingView
  /** Coordinates the write here. */
  readonly coordinate: (request: CoordinateRequest, done: Reply<ForwardResponse>) => void
  /** A fresh request id. */
  readonly newRequest: () => string
}

export interface RoutePlan {
  readonly self: NodeId
  readonly owners: readonly NodeId[]
}

export interface RouteAnswer extends ForwardResponse {
  readonly coordinator: NodeId
}

/**
 * Finds a coordinator for a write: this node where it is an owner, otherwise an owner in reach, otherwise this node
 * as a fallback. When one does not answer the next is asked, under the same request id, so that the
 * write takes effect once. Only where every attempt was refused is the failure definite.
 */
export class RouteOperation {
  private readonly components: RouteComponents
  private readonly plan: RoutePlan
  private readonly request: CoordinateRequest
  /** The request's id: its own, or one that is drawn when a peer is asked for the first time. */
  private name: string
  private attempt: number
  private readonly done: Reply<RouteAnswer>
  private readonly startedMs: number
  /** How many of the candidates have been looked at. */
  private looked = 0
  private unknown: KvError | undefined
  private refused: KvError | undefined

  constructor(
    components: RouteComponents,
    plan: RoutePlan,
    request: CoordinateRequest,
    done: Reply<RouteAnswer>,
  ) {
    this.components = components
    this.plan = plan
    this.request = request
    this.name = request.request
    this.attempt = request.attempt
    this.done = done
    this.startedMs = components.clock.monotonicMs()
  }

  next(): void {
    const leftMs = this.request.timeoutMs - (this.components.clock.monotonicMs() - this.startedMs)
    const candidate = leftMs > 0 ? this.nextCandidate() : undefined
    if (candidate === undefined) return this.giveUp()
    // After an attempt here whose outcome is unknown nobody else may try, so no time is kept for them.
    const last = candidate === this.plan.self || !this.anyLeft()
    const attemptMs = last ? leftMs : Math.min(leftMs, Math.max(LEAST_ATTEMPT_MS, this.request.timeoutMs / 4))
    if (candidate !== this.plan.self && this.name === '') this.name = this.components.newRequest()
    // Named one by one: a spread costs several times as much, and all its steps are garbage.
    const { key, value, w, ttlMs, context, strict } = this.request
    const { name, attempt } = this
    const timeoutMs = Math.floor(attemptMs)
    const done: Reply<ForwardResponse> = (error, response) => this.answered(candidate, error, response)
    if (candidate === this.plan.self) {
      const request = { key, value, w, ttlMs, context, strict, request: name, attempt, timeoutMs }
      return this.components.coordinate(request, done)
    }
    const moment = this.components.ring.moments.of(candidate) as Moment
    const until = { session: moment.session, ms: moment.ms + attemptMs * (1 - CLOCK_RATE_ERROR) }
    const request = { key, value, w, ttlMs, context, strict, request: name, attempt, timeoutMs, until }
    this.components.rpc.call(candidate, FORWARD, request, attemptMs, done)
  }

  private inReach(node: NodeId): boolean {
    const { ring } = this.components
    return node === this.plan.self || (ring.reachable(node) && ring.moments.of(node) !== undefined)
  }

  private nextCandidate(): NodeId | undefined {
    for (;;) {
      const candidate = this.candidate(this.looked++)
      if (candidate === undefined || this.inReach(candidate)) return candidate
    }
  }

  private anyLeft(): boolean {
    for (let i = this.looked; ; i++) {
      const candidate = this.candidate(i)
      if (candidate === undefined) return false
      if (this.inReach(candidate)) return true
    }
  }

  /** This node where it is an owner, then the other owners; last this node where it is none, and hints count. */
  private candidate(index: number): NodeId | undefined {
    const { owners, self } = this.plan
    const own = owners.indexOf(self)
    if (own < 0) return index === owners.length && !this.request.strict ? self : owners[index]
    if (index === 0) return self
    return owners[index <= own ? index - 1 : index]
  }

  private answered(
    coordinator: NodeId,
    error: KvError | undefined,
    response: ForwardResponse | undefined,
  ): void {
    if (error === undefined) {
      const { version, acks, sloppy, existed } = response as ForwardResponse
      return this.done(undefined, { version, acks, sloppy, existed, coordinator })
    }
    if (!error.kind.definite) {
      this.unknown = error
      this.attempt++
    } else this.refused = error
    // What a node has staged itself may come true later: nobody else may try meanwhile.
    if (!error.kind.retryable || (!error.kind.definite && coordinator === this.plan.self))
      return this.giveUp()
    this.next()
  }

  private giveUp(): void {
    const nobody = new KvError(
      'no_quorum',
      'no owner of the key can be reached to coordinate the write',
      'see which nodes are up: kv ring status',
    )
    this.done(toKvError(this.unknown ?? this.refused ?? nobody))
  }
}
