import { setTimeout as sleep } from 'node:timers/promises'
import { decodeContextToken } from '../../../server/causality/context-token.ts'
import type { ReadResult, WriteResult } from '../../../shared/api.ts'
import { ERRORS, type ErrorBody, type ErrorCode } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import type { Attempt, History, ReadOp, WriteOp } from '../../simulation/history.ts'
import type { Prng } from '../../simulation/prng.ts'
import { type ProcessRing, SECRET } from '../process-ring.ts'

/** What the clients give a request, and how much longer they wait for its answer, milliseconds. */
const TIMEOUT_MS = 2_000
const PATIENCE_MS = 500
const MAX_ATTEMPTS = 3

export interface HttpClientsSettings {
  readonly clients: number
  readonly keys: number
  /** Mean time between two operations of one client, milliseconds. */
  readonly thinkMs: number
  /** The ring's own quorums. */
  readonly r: number
  readonly w: number
  readonly n: number
}

/** One answer, or what became of the wait for it. */
interface Answer {
  readonly outcome: 'ok' | 'definite' | 'unknown'
  readonly code: ErrorCode | ''
  readonly headers: Headers
  readonly body: string
}

interface Client {
  readonly id: number
  readonly prng: Prng
  /** The latest reads of each key: their contexts go along with later writes, stale ones too. */
  readonly reads: Map<string, ReadOp[]>
}

/** The clients of the simulator, over HTTP: they write down all that they ask and are told. */
export class HttpClients {
  private readonly ring: ProcessRing
  private readonly nodes: readonly string[]
  private readonly history: History
  private readonly prng: Prng
  private readonly settings: HttpClientsSettings
  /** The contexts of reads as they came, for the writes that carry them back. */
  private readonly tokens = new WeakMap<ReadOp, string>()
  private readonly work: Promise<void>[] = []
  private running = true

  constructor(
    components: { ring: ProcessRing; nodes: readonly string[]; history: History; prng: Prng },
    settings: HttpClientsSettings,
  ) {
    this.ring = components.ring
    this.nodes = components.nodes
    this.history = components.history
    this.prng = components.prng
    this.settings = settings
  }

  start(): void {
    for (let id = 1; id <= this.settings.clients; id++) {
      const work = this.run({ id, prng: this.prng.fork(`client ${id}`), reads: new Map() })
      // An answer that is none is told by `stop`.
      work.catch(() => undefined)
      this.work.push(work)
    }
  }

  /** Every operation has been answered or given up after this. */
  async stop(): Promise<void> {
    this.running = false
    await Promise.all(this.work)
  }

  /** Every key that was used, from every node by itself. @returns those that failed. */
  async readAll(r: number, final: boolean): Promise<ReadOp[]> {
    const failed: ReadOp[] = []
    for (const key of this.history.keys()) {
      const reads = await Promise.all(this.nodes.map((node) => this.read(0, key, node, r, final)))
      failed.push(...reads.filter(({ outcome }) => outcome !== 'ok'))
    }
    return failed
  }

  private async run(client: Client): Promise<void> {
    const { prng } = client
    while (this.running) {
      await sleep(prng.exponential(this.settings.thinkMs))
      const key = this.key(prng)
      if (prng.chance(0.4)) {
        const op = await this.read(
          client.id,
          key,
          prng.pick(this.nodes),
          this.quorum(prng, this.settings.r),
          false,
        )
        if (op.outcome === 'ok') client.reads.set(key, [op, ...(client.reads.get(key) ?? [])].slice(0, 3))
      } else await this.write(client, this.draw(client, key))
    }
  }

  private async read(client: number, key: string, node: string, r: number, final: boolean): Promise<ReadOp> {
    const op = this.history.read({ client, key, node, r, invokedAt: micros(), final })
    const path = `${pathOf(key)}?r=${r}&siblings=true&timeout=${TIMEOUT_MS}ms`
    const { outcome, code, headers, body } = await this.ask(node, path, {
      headers: { accept: 'application/json' },
    })
    op.completedAt = micros()
    // A node that says that there is nothing has read all the same.
    const found = code !== 'not_found' || !headers.has('x-kv-replies')
    op.outcome = found ? outcome : 'ok'
    op.code = found ? code : ''
    if (op.outcome !== 'ok') return op
    op.values = found ? ((JSON.parse(body) as ReadResult).siblings ?? []).map(({ value }) => value) : []
    op.sloppy = headers.get('x-kv-sloppy') === 'true'
    op.replies = Number(headers.get('x-kv-replies'))
    const token = headers.get('x-kv-context') ?? ''
    op.context = decodeContextToken(keyFromText(key), token, Buffer.from(SECRET))
    this.tokens.set(op, token)
    return op
  }

  private draw({ id, prng, reads }: Client, key: string): WriteOp {
    const read = reads.get(key) ?? []
    return this.history.write({
      client: id,
      key,
      w: this.quorum(prng, this.settings.w),
      strict: prng.chance(0.1),
      deletes: prng.chance(0.15),
      ttlMs: prng.chance(0.1) ? prng.between(500, 10_000) : 0,
      basis: read.length > 0 && prng.chance(0.5) ? prng.pick(read) : undefined,
      padding: prng.chance(0.1) ? prng.below(300) : 0,
    })
  }

  private async write({ prng }: Client, write: WriteOp): Promise<void> {
    for (;;) {
      const attempt = await this.attempt(write, prng.pick(this.nodes))
      const again = attempt.outcome === 'unknown' ? 0.7 : attempt.outcome === 'definite' ? 0.3 : 0
      if (write.attempts.length >= MAX_ATTEMPTS || !prng.chance(again)) return
      await sleep(prng.exponential(300))
    }
  }

  private async attempt(write: WriteOp, node: string): Promise<Attempt> {
    const { key, value, w, strict, ttlMs, request, basis } = write
    const token = basis === undefined ? undefined : this.tokens.get(basis)
    const headers = {
      'x-kv-request-id': request,
      'x-kv-attempt': String(write.attempts.length),
      ...(token === undefined ? {} : { 'x-kv-context': token }),
    }
    const ttl = value !== null && ttlMs > 0 ? `&ttl=${ttlMs}ms` : ''
    const path = `${pathOf(key)}?w=${w}${strict ? '&strict=true' : ''}&timeout=${TIMEOUT_MS}ms${ttl}`
    const attempt = this.history.attempt(write, node, micros())
    const asked = value === null ? { method: 'DELETE', headers } : { method: 'PUT', headers, body: value }
    const { outcome, code, body } = await this.ask(node, path, asked)
    attempt.completedAt = micros()
    attempt.outcome = outcome
    attempt.code = code
    if (outcome === 'ok') {
      const { acks, sloppy, version } = JSON.parse(body) as WriteResult
      Object.assign(attempt, { acks, sloppy, version })
    }
    return attempt
  }

  private async ask(node: string, path: string, init: RequestInit): Promise<Answer> {
    const none = { headers: new Headers(), body: '' }
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS + PATIENCE_MS)
      const answer = await fetch(`${this.ring.endpoint(node)}${path}`, { ...init, signal })
      const body = await answer.text()
      if (answer.ok || answer.status === 300)
        return { outcome: 'ok', code: '', headers: answer.headers, body }
      const { code } = (JSON.parse(body) as ErrorBody).error
      const outcome = ERRORS[code].definite ? 'definite' : 'unknown'
      return { outcome, code, headers: answer.headers, body }
    } catch (thrown) {
      // Whoever was refused the connection has sent nothing.
      const cause = (thrown as { cause?: { code?: string } }).cause
      return { ...none, outcome: cause?.code === 'ECONNREFUSED' ? 'definite' : 'unknown', code: '' }
    }
  }

  /** Every other key shares the slot of the one before. */
  private key(prng: Prng): string {
    const number = prng.below(this.settings.keys)
    return number % 2 === 1 ? `{k${number - 1}}${number}` : `k${number}`
  }

  private quorum(prng: Prng, usual: number): number {
    return prng.chance(0.3) ? prng.between(1, this.settings.n) : usual
  }
}

/** The time of the history: of one clock, for all clients. */
export function micros(): number {
  return performance.now() * 1000
}

function pathOf(key: string): string {
  return `/kv/${encodeURIComponent(key)}`
}
