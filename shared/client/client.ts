import type {
  BatchOperation,
  CountResult,
  DeleteResult,
  FaultStatus,
  HintsStatus,
  LayoutResult,
  LocateResult,
  NodeStatus,
  PolicyResult,
  ReadResult,
  RemovalResult,
  RingStatus,
  ScanEntry,
  WriteResult,
} from '../api.ts'
import { KvError } from '../errors.ts'
import { type Key, keyToPath } from '../key.ts'
import type { KeyRepairResult, KeyReport } from '../key-report.ts'
import { readError, readJson } from './answers.ts'
import { type BatchOutcome, batchBody, batchOutcome } from './batch.ts'
import { Endpoints, type EndpointsComponents, type EndpointsSettings } from './endpoints.ts'
import { type HttpRequest, type HttpResponse, LinkError } from './exchange.ts'
import { ndjson } from './ndjson.ts'
import { keyPath, query } from './path.ts'
import { ScanPage } from './scan-page.ts'

/** What the client needs of the world. */
export interface ClientComponents extends EndpointsComponents {
  /** A name that no other write has had. */
  readonly requestId: () => string
}

/** The time is that of a whole operation; for a scan, of each page. */
export type ClientSettings = EndpointsSettings

export interface WriteOptions {
  readonly w?: number | undefined
  /** Milliseconds. */
  readonly ttlMs?: number | undefined
  /** Only owners count, no hints. */
  readonly strict?: boolean | undefined
  /** The context of a read whose versions this write replaces. */
  readonly context?: string | undefined
}

export interface ReadOptions {
  readonly r?: number | undefined
  readonly siblings?: boolean | undefined
}

export interface ScanOptions {
  readonly prefix?: Key | undefined
  readonly limit?: number | undefined
  readonly values?: boolean | undefined
}

interface WriteRequest extends Pick<HttpRequest, 'method'> {
  readonly path: (serverTimeoutMs: number) => string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** A node tries for so long to have a change of the layout decided, and to see it spread, milliseconds. */
const CHANGE_MS = 6_000

/** Entries asked for at a time: few enough that a page that is cut off is cheap to ask for again. */
const PAGE_ENTRIES = 4000

/**
 * A client of the ring: asks one endpoint and fails over to the others. Every method rejects with a KvError only:
 * `unreachable` where no endpoint could be reached, `outcome_unknown` where a write may have been applied.
 */
export class KvClient {
  private readonly components: ClientComponents
  private readonly timeoutMs: number
  private readonly endpoints: Endpoints

  constructor(components: ClientComponents, settings: ClientSettings) {
    this.components = components
    this.timeoutMs = settings.timeoutMs
    this.endpoints = new Endpoints(components, settings)
  }

  async set(key: Key, value: Buffer, options: WriteOptions = {}): Promise<WriteResult> {
    const { w, ttlMs, strict, context } = options
    const path = (timeout: number): string => keyPath(key, { w, ttl: ttlMs, strict, timeout })
    const headers = { 'Content-Type': 'application/octet-stream', ...contextHeader(context) }
    return this.write<WriteResult>({ method: 'PUT', path, headers, body: value })
  }

  async del(key: Key, options: Pick<WriteOptions, 'w' | 'strict' | 'context'> = {}): Promise<DeleteResult> {
    const { w, strict } = options
    const path = (timeout: number): string => keyPath(key, { w, strict, timeout })
    return this.write<DeleteResult>({ method: 'DELETE', path, headers: contextHeader(options.context) })
  }

  /** @throws KvError `not_found` */
  async get(key: Key, options: ReadOptions = {}): Promise<ReadResult> {
    const { r, siblings } = options
    const path = (timeout: number): string => keyPath(key, { r, siblings, timeout })
    // 300 is the answer with several siblings, where they were asked for.
    const answer = await this.read('GET', path, [300])
    return readJson<ReadResult>({ ...answer, status: 200 }, false)
  }

  async exists(key: Key, options: Pick<ReadOptions, 'r'> = {}): Promise<boolean> {
    const path = (timeout: number): string => keyPath(key, { r: options.r, timeout })
    const answer = await this.read('HEAD', path, [404])
    // A HEAD has no body: this header tells a node's "not found" from that of some other server.
    if (answer.headers['x-kv-replies'] === undefined) throw readError(answer, false)
    return answer.status !== 404
  }

  /** All entries in the order of the ring, page by page, failing over between pages and within them. */
  async *scan(options: ScanOptions = {}): AsyncIterable<ScanEntry> {
    let remaining = options.limit ?? Number.POSITIVE_INFINITY
    let cursor: string | undefined
    do {
      const page = new ScanPage()
      const prefix = options.prefix && keyToPath(options.prefix)
      const limit = Math.min(remaining, PAGE_ENTRIES)
      const from = cursor && encodeURIComponent(cursor)
      const path = `/scan${query({ prefix, limit, values: options.values, cursor: from })}`
      yield* this.endpoints.stream(({ endpoint, timeoutMs }) =>
        page.entries(this.lines(endpoint, { method: 'GET', path, timeoutMs })),
      )
      remaining -= page.count
      cursor = page.cursor
    } while (cursor !== undefined && remaining > 0)
  }

  /** Asks for as much as fits well into the timeout at a time, so that a large ring takes many short requests. */
  async count(prefix?: Key): Promise<CountResult> {
    const within = Math.max(1, Math.min(2_000, Math.floor(this.timeoutMs / 4)))
    let count = 0
    let cursor: string | undefined
    for (;;) {
      const from = cursor && encodeURIComponent(cursor)
      const path = `/count${query({ prefix: prefix && keyToPath(prefix), within, cursor: from })}`
      const { cursor: next, ...page } = await this.json<CountResult>(path, 2 * within)
      count += page.count
      if (next === undefined) return { ...page, count }
      cursor = next
    }
  }

  /**
   * Sends a batch to one endpoint, without fail-over, and gives the operations' outcomes in their order, together as
   * they arrive. Where the link breaks, the iteration throws a LinkError: what has no outcome yet is unknown.
   * @param brief of writes that succeed it is enough to know that they did.
   */
  async *batch(
    endpoint: string,
    operations: readonly BatchOperation[],
    { brief }: { readonly brief?: boolean } = {},
  ): AsyncIterable<readonly BatchOutcome[]> {
    const { timeoutMs } = this
    const headers = { 'Content-Type': 'application/x-ndjson', Accept: 'application/x-ndjson' }
    const body = batchBody(operations)
    const path = `/kv${query({ timeout: serverTime(timeoutMs), brief })}`
    let line = 0
    for await (const values of this.lines(endpoint, { method: 'POST', path, headers, body, timeoutMs })) {
      yield values.map((value) => batchOutcome(value, ++line))
    }
    if (line < operations.length) throw new LinkError('the answer to a batch was cut short', true, false)
  }

  /** Whether the endpoint answers at all. Never rejects. */
  alive(endpoint: string): Promise<boolean> {
    return this.endpoints.alive(endpoint)
  }

  async status(): Promise<RingStatus> {
    return this.json<RingStatus>('/ring')
  }

  async layout(): Promise<LayoutResult> {
    return this.json<LayoutResult>('/ring/layout')
  }

  async locate(key: Key): Promise<LocateResult> {
    return this.json<LocateResult>(`/ring/locate?key=${keyToPath(key)}`)
  }

  /** All copies of a key, as far as the node that is asked reaches them. */
  async explain(key: Key): Promise<KeyReport> {
    const path = (timeout: number): string => `/keys/explain${query({ key: keyToPath(key), timeout })}`
    return readJson<KeyReport>(await this.read('GET', path, [], this.timeoutMs / 2), false)
  }

  /** Gives every owner in reach all that is known of the key. */
  async repair(key: Key): Promise<KeyRepairResult> {
    const path = (timeout: number): string => `/keys/repair${query({ key: keyToPath(key), timeout })}`
    return this.write<KeyRepairResult>({ method: 'POST', path, headers: {} })
  }

  /** Of the whole ring. */
  async changePolicy(conflicts: PolicyResult['conflicts']): Promise<PolicyResult> {
    return this.change<PolicyResult>(`/ring/policy?conflicts=${conflicts}`)
  }

  /**
   * Takes a member that is down out of the ring for good. @param force also where acknowledged writes may be lost.
   * @throws KvError `not_found` where there is no such member, `conflict` where it must not go now.
   */
  async removeNode(id: string, force: boolean): Promise<RemovalResult> {
    return this.change<RemovalResult>(`/ring/remove${query({ node: encodeURIComponent(id), force })}`)
  }

  async nodes(): Promise<NodeStatus[]> {
    return (await this.json<{ nodes: NodeStatus[] }>('/nodes')).nodes
  }

  async hints(): Promise<HintsStatus> {
    return this.json<HintsStatus>('/hints')
  }

  async faults(): Promise<FaultStatus> {
    return this.json<FaultStatus>('/chaos')
  }

  /** Closes the kept connections. */
  close(): void {
    this.components.exchange.close()
  }

  /**
   * Of the layout. A change whose answer is lost is asked of the next endpoint: what is done already is not done again.
   * `changed` is false then although this very request may have made the change.
   */
  private async change<T>(path: string): Promise<T> {
    try {
      return await this.write<T>({ method: 'POST', path: () => path, headers: {} }, CHANGE_MS)
    } catch (thrown) {
      if (!(thrown instanceof KvError) || thrown.code !== 'outcome_unknown') throw thrown
      throw new KvError(
        thrown.code,
        thrown.message,
        'ask for it again: what is done already is not done twice',
      )
    }
  }

  private async json<T>(path: string, longMs?: number): Promise<T> {
    return readJson<T>(await this.read('GET', () => path, [], longMs), false)
  }

  private read(
    method: 'GET' | 'HEAD',
    path: (serverTimeoutMs: number) => string,
    wanted: readonly number[] = [],
    longMs?: number,
  ): Promise<HttpResponse<Buffer>> {
    return this.endpoints.read(async ({ endpoint, timeoutMs }, signal) => {
      const request = { method, path: path(serverTime(timeoutMs)), timeoutMs, signal }
      const answer = await this.components.exchange.send(endpoint, request)
      if (answer.status < 300 || wanted.includes(answer.status)) return answer
      throw readError(answer, false)
    }, longMs)
  }

  private write<T>(request: WriteRequest, longMs?: number): Promise<T> {
    const id = this.components.requestId()
    return this.endpoints.write(async ({ endpoint, timeoutMs, number }) => {
      const headers = {
        ...request.headers,
        'X-KV-Request-Id': id,
        ...(number > 0 ? { 'X-KV-Attempt': String(number) } : {}),
      }
      const path = request.path(serverTime(timeoutMs))
      const answer = await this.components.exchange.send(endpoint, { ...request, path, headers, timeoutMs })
      return readJson<T>(answer, true)
    }, longMs)
  }

  /** The values of a streamed NDJSON answer. @throws KvError what the answer says instead, or LinkError. */
  private async *lines(endpoint: string, request: HttpRequest): AsyncIterable<readonly unknown[]> {
    const answer = await this.components.exchange.stream(endpoint, request)
    if (answer.status === 200) yield* ndjson(answer.body)
    else {
      const body: Buffer[] = []
      for await (const chunk of answer.body) body.push(chunk)
      throw readError({ ...answer, body: Buffer.concat(body) }, request.method !== 'GET')
    }
  }
}

/** Longest time that a server accepts for one operation. */
const MAX_SERVER_TIME_MS = 60_000

/** What a node may take of an attempt's time, so that its own verdict arrives before the client gives up on it. */
function serverTime(timeoutMs: number): number {
  return Math.min(MAX_SERVER_TIME_MS, Math.max(1, Math.floor(timeoutMs * 0.9)))
}

function contextHeader(context: string | undefined): Record<string, string> {
  return context === undefined ? {} : { 'X-KV-Context': context }
}
