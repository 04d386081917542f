import type { Clock } from '../ports/clock.ts'
import type { Trace } from '../ports/trace.ts'
import type { ServedNode } from './served-node.ts'

export interface ApiComponents {
  /** @throws KvError `not_ready` while the node is still being put together. */
  readonly node: () => ServedNode
  readonly clock: Clock
  readonly trace: Trace
  /** Metrics of the process (memory, event loop lag), in Prometheus's text format. */
  readonly processMetrics?: () => Promise<string>
}

export interface ApiSettings {
  readonly id: string
  readonly cluster: string
  /** Signs the causal contexts that are given to clients. */
  readonly secret: Buffer
  /** Of the package, for the OpenAPI document. */
  readonly version: string
  /** Host names that a request may name; undefined allows any. */
  readonly hostNames: ReadonlySet<string> | undefined
  readonly maxValueBytes: number
  readonly maxConnections: number
  readonly maxHeaderBytes: number
  readonly chaos: boolean
  readonly timeouts: ApiTimeouts
}

/** Milliseconds. */
export interface ApiTimeouts {
  /** For the headers of a request to arrive. */
  readonly headersMs: number
  /** For a whole request to arrive; a batch may take longer. */
  readonly requestMs: number
  /** Without a byte in either direction while a request is under way; over the longest deadline of a request. */
  readonly silenceMs: number
  /** For the next request on a connection. */
  readonly keepAliveMs: number
  /** How often the first two are looked at. */
  readonly checkMs: number
}

export const API_TIMEOUTS: ApiTimeouts = {
  headersMs: 10_000,
  requestMs: 30_000,
  silenceMs: 65_000,
  keepAliveMs: 65_000,
  checkMs: 5_000,
}

/** What the handlers of the routes share. */
export interface ApiContext extends ApiComponents {
  readonly settings: ApiSettings
}
