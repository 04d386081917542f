import type { Exchange } from './exchange.ts'
import { type Attempt, Attempts, type Pace } from './failover.ts'
import { hedged } from './hedge.ts'

export interface EndpointsComponents {
  readonly exchange: Exchange
  /** Milliseconds that never step back. */
  readonly monotonicMs: () => number
  /** Calls back once, after that many milliseconds. @returns what cancels it. */
  readonly after: (ms: number, fn: () => void) => () => void
}

export interface EndpointsSettings {
  /** Base URLs of nodes, tried in this order; the one that answered last comes first next time. */
  readonly endpoints: readonly string[]
  /** Time for a whole operation, fail-over included, in milliseconds. */
  readonly timeoutMs: number
}

/** A read that has no answer after this long is asked of the next endpoint too, milliseconds. */
const HEDGE_AFTER_MS = 300

/** An endpoint that has answered within this time is taken to be alive, milliseconds. */
export const ALIVE_FOR_MS = 1_000

/** Longest search for an endpoint that is alive, milliseconds. */
const SEARCH_MS = 2_000

/** Any answer to it is a sign of life. */
const QUESTION = { method: 'GET', path: '/health/live' } as const

/** An endpoint that does not answer the question by then is taken to hang, milliseconds. */
const SILENT_AFTER_MS = 1_000

/** The endpoints of a ring, and how an operation goes from one that does not answer to the next. */
export class Endpoints {
  private readonly components: EndpointsComponents
  private readonly timeoutMs: number
  private readonly order: string[]
  private heardMs = Number.NEGATIVE_INFINITY
  private search: Promise<void> | undefined

  constructor(components: EndpointsComponents, settings: EndpointsSettings) {
    this.components = components
    this.timeoutMs = settings.timeoutMs
    this.order = settings.endpoints.map((endpoint) => endpoint.replace(/\/+$/, ''))
  }

  /** Asks one endpoint, and where it is slow also the next. `longMs` is what a sound node may take for a long read. */
  async read<T>(run: (attempt: Attempt, signal: AbortSignal) => Promise<T>, longMs?: number): Promise<T> {
    const attempts = longMs === undefined ? this.attempts('read', this.timeoutMs) : await this.inTurn('read')
    const patienceMs = Math.min(longMs ?? HEDGE_AFTER_MS, this.timeoutMs / 4)
    const { endpoint, result } = await hedged(this.components.after, attempts, patienceMs, run)
    this.answered(endpoint)
    return result
  }

  /**
   * Asks one endpoint after the other, never two at a time: of two attempts at a write that run side by side, the
   * one that ends later may take effect after writes that followed the other's answer.
   * `longMs` is what a sound node may take for one that takes long.
   */
  async write<T>(run: (attempt: Attempt) => Promise<T>, longMs?: number): Promise<T> {
    const attempts = await this.inTurn('write', longMs)
    for (const attempt of attempts.schedule()) {
      try {
        const result = await run(attempt)
        this.answered(attempt.endpoint)
        return result
      } catch (thrown) {
        attempts.failed(attempt.endpoint, thrown)
      }
    }
    throw attempts.verdict()
  }

  /** A stream of answers, which goes on at the next endpoint where one breaks off: `run` knows what it has had. */
  async *stream<T>(run: (attempt: Attempt) => AsyncIterable<T>): AsyncIterable<T> {
    const attempts = await this.inTurn('stream')
    for (const attempt of attempts.schedule()) {
      try {
        yield* run(attempt)
        this.answered(attempt.endpoint)
        return
      } catch (thrown) {
        attempts.failed(attempt.endpoint, thrown)
      }
    }
    throw attempts.verdict()
  }

  /** Whether the endpoint answers at all. Never rejects. */
  alive(endpoint: string): Promise<boolean> {
    const timeoutMs = Math.min(SILENT_AFTER_MS, this.timeoutMs / 4)
    return this.components.exchange.send(endpoint, { ...QUESTION, timeoutMs }).then(
      () => true,
      () => false,
    )
  }

  /** Attempts that begin with an endpoint that is alive, where there is one and a choice. */
  private async inTurn(pace: Pace, longMs?: number): Promise<Attempts> {
    const startedMs = this.components.monotonicMs()
    if (this.order.length > 1 && startedMs - this.heardMs > ALIVE_FOR_MS) {
      this.search ??= this.findAlive().finally(() => {
        this.search = undefined
      })
      await this.search
    }
    return this.attempts(pace, this.timeoutMs - (this.components.monotonicMs() - startedMs), longMs)
  }

  /**
   * A process that hangs takes connections and requests all the same. So before something is sent that must not be
   * sent twice side by side, a question that may be finds out who answers.
   */
  private async findAlive(): Promise<void> {
    const timeoutMs = Math.min(SEARCH_MS, this.timeoutMs / 4)
    const attempts = this.attempts('read', timeoutMs)
    try {
      const { endpoint } = await hedged(
        this.components.after,
        attempts,
        Math.min(HEDGE_AFTER_MS, timeoutMs / 4),
        (attempt, signal) =>
          this.components.exchange.send(attempt.endpoint, {
            ...QUESTION,
            timeoutMs: attempt.timeoutMs,
            signal,
          }),
      )
      this.answered(endpoint)
    } catch {
      // Nobody is alive: what is wrong with each the operation itself will say.
    }
  }

  private attempts(pace: Pace, timeoutMs: number, longMs?: number): Attempts {
    return new Attempts([...this.order], pace, timeoutMs, this.components.monotonicMs, longMs)
  }

  private answered(endpoint: string): void {
    this.heardMs = this.components.monotonicMs()
    const at = this.order.indexOf(endpoint)
    if (at > 0) this.order.push(...this.order.splice(0, at))
  }
}
