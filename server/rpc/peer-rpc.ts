import { KvError, toKvError } from '../../shared/errors.ts'
import { ByteReader } from '../../shared/wire.ts'
import type { Clock } from '../ports/clock.ts'
import type { Network, NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Trace } from '../ports/trace.ts'
import { Deadline, Deadlines } from './deadlines.ts'
import { DuplicateWindow } from './duplicate-window.ts'
import { readEnvelope, readFailure, writeEnvelope, writeFailure } from './envelope.ts'
import { LayoutFence, type LayoutSource } from './layout-fence.ts'
import type { Method, Reply, Rpc } from './method.ts'

export interface RpcComponents {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly trace: Trace
  readonly layouts: LayoutSource
}

/** Requests that may wait for an answer at a time; one more is refused. */
const MAX_PENDING = 100_000

/** Sessions of one peer that are remembered: late messages of its earlier processes are still told apart. */
const MAX_SESSIONS = 4

type Handler = {
  method: Method<unknown, unknown>
  run: (from: NodeId, request: unknown, reply: Reply<unknown>) => void
}

/** A request that waits for its answer. */
class Pending extends Deadline {
  constructor(
    readonly rpc: PeerRpc,
    readonly to: NodeId,
    readonly id: number,
    readonly method: Method<unknown, unknown>,
    readonly done: Reply<unknown>,
  ) {
    super()
  }

  expire(): void {
    this.rpc.abandon(this, `${this.to} did not answer ${this.method.name} in time`)
  }
}

/** Rpc over a Network that may lose, delay, reorder and repeat messages. */
export class PeerRpc implements Rpc {
  private readonly components: RpcComponents
  private readonly session: number
  private readonly deadlines: Deadlines
  private readonly fence: LayoutFence
  private readonly pending = new Map<number, Pending>()
  private readonly handlers = new Map<number, Handler>()
  private readonly seen = new Map<NodeId, DuplicateWindow[]>()
  private nextId = 0
  private stopped = false

  constructor(components: RpcComponents) {
    this.components = components
    this.session = components.random.u32()
    this.deadlines = new Deadlines(components.clock)
    this.fence = new LayoutFence(components.layouts)
    components.network.onMessage((from, message) => this.receive(from, message))
    components.network.onLink((peer, state) => {
      if (state === 'disconnected') this.loseLink(peer)
    })
  }

  call<Request, Response>(
    to: NodeId,
    method: Method<Request, Response>,
    request: Request,
    timeoutMs: number,
    done: Reply<Response>,
  ): void {
    const refusal = this.refusal(to)
    if (refusal !== undefined) return this.later(() => done(refusal))
    const id = this.nextId++
    const writer = writeEnvelope('request', method.id, this.fence.version, this.session, id)
    method.request.write(writer, request)
    if (!this.components.network.send(to, writer.finish())) {
      return this.later(() => done(unsent(to)))
    }
    const pending = new Pending(this, to, id, method as Method<unknown, unknown>, done as Reply<unknown>)
    this.pending.set(id, pending)
    this.deadlines.add(timeoutMs, pending)
  }

  cast<Request>(to: NodeId, method: Method<Request, unknown>, request: Request): void {
    if (this.stopped) return
    const writer = writeEnvelope('cast', method.id, this.fence.version, this.session, this.nextId++)
    method.request.write(writer, request)
    this.components.network.send(to, writer.finish())
  }

  handle<Request, Response>(
    method: Method<Request, Response>,
    handler: (from: NodeId, request: Request, reply: Reply<Response>) => void,
  ): void {
    if (this.handlers.has(method.id)) throw new KvError('internal', `method ${method.id} is handled twice`)
    this.handlers.set(method.id, { method, run: handler } as unknown as Handler)
  }

  /** To be called when a layout has taken effect: peers may have sent what had to wait for it. */
  layoutChanged(): void {
    for (const { from, message } of this.fence.release()) this.receive(from, message)
  }

  /** Requests that wait for an answer now. */
  get waiting(): number {
    return this.pending.size
  }

  /** Calls nobody back any more, answers nothing and lets go of the timers. */
  stop(): void {
    this.stopped = true
    this.deadlines.stop()
    this.pending.clear()
  }

  /** Gives up on an answer: whether the request took effect is unknown. */
  abandon(pending: Pending, why: string): void {
    pending.settle()
    if (this.pending.delete(pending.id)) pending.done(new KvError('outcome_unknown', why))
  }

  private refusal(to: NodeId): KvError | undefined {
    if (this.stopped) return new KvError('not_ready', 'the node is stopping')
    if (this.pending.size >= MAX_PENDING)
      return new KvError('overloaded', `${MAX_PENDING} requests wait for peers`)
    return this.components.network.connected(to) ? undefined : unsent(to)
  }

  /** A callback must not run before `call` has returned. */
  private later(fn: () => void): void {
    void Promise.resolve().then(fn)
  }

  private loseLink(peer: NodeId): void {
    for (const pending of [...this.pending.values()]) {
      if (pending.to === peer) this.abandon(pending, `the link to ${peer} was lost before its answer`)
    }
  }

  private receive(from: NodeId, message: Buffer): void {
    if (this.stopped) return
    try {
      const reader = new ByteReader(message)
      const { kind, method, layout, session, id } = readEnvelope(reader)
      const anyLayout = this.handlers.get(method)?.method.anyLayout === true
      if (anyLayout) this.fence.heard(from, layout)
      else if (this.fence.holds(from, layout, message)) return
      if (kind === 'request' || kind === 'cast') {
        const refusal = anyLayout ? undefined : this.fence.refusal(from, layout)
        if (refusal === undefined) this.serve(from, kind === 'cast', method, session, id, reader)
        else if (kind === 'request') this.answer(from, method, session, id, refusal)
      } else if (session === this.session) this.settle(from, kind === 'failure', id, reader)
    } catch (error) {
      this.components.trace.event('warn', 'rpc.malformed', { from, why: toKvError(error).message })
    }
  }

  private settle(from: NodeId, failed: boolean, id: number, reader: ByteReader): void {
    const pending = this.pending.get(id)
    if (pending === undefined || pending.to !== from) return
    const error = failed ? readFailure(reader) : undefined
    const response = failed ? undefined : pending.method.response.read(reader)
    pending.settle()
    this.pending.delete(id)
    pending.done(error, response)
  }

  private serve(
    from: NodeId,
    cast: boolean,
    methodId: number,
    session: number,
    id: number,
    reader: ByteReader,
  ): void {
    if (!this.firstTime(from, session, id)) return
    const handler = this.handlers.get(methodId)
    if (handler === undefined) {
      return this.answer(
        from,
        methodId,
        session,
        id,
        new KvError('not_ready', `method ${methodId} is not served here yet`),
      )
    }
    const request = handler.method.request.read(reader)
    handler.run(from, request, (error, response) => {
      if (!cast) this.answer(from, methodId, session, id, error, response, handler.method)
    })
  }

  private answer(
    to: NodeId,
    methodId: number,
    session: number,
    id: number,
    error: KvError | undefined,
    response?: unknown,
    method?: Method<unknown, unknown>,
  ): void {
    if (this.stopped) return
    const kind = error === undefined ? 'response' : 'failure'
    const writer = writeEnvelope(kind, methodId, this.fence.version, session, id)
    if (error !== undefined) writeFailure(writer, error)
    else method?.response.write(writer, response)
    this.components.network.send(to, writer.finish())
  }

  private firstTime(from: NodeId, session: number, id: number): boolean {
    let windows = this.seen.get(from)
    if (windows === undefined) {
      windows = []
      this.seen.set(from, windows)
    }
    let window = windows.find((known) => known.session === session)
    if (window === undefined) {
      window = new DuplicateWindow(session)
      windows.unshift(window)
      windows.length = Math.min(windows.length, MAX_SESSIONS)
    }
    return window.admit(id)
  }
}

function unsent(to: NodeId): KvError {
  return new KvError('no_quorum', `there is no link to ${to}`, 'see which nodes are up: kv ring status')
}
