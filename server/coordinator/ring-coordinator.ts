import type { Counters } from '../../shared/counters.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { contextOf } from '../causality/context.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { EMPTY_RECORD } from '../causality/record.ts'
import { versionOf } from '../causality/version.ts'
import { liveSiblings } from '../causality/write.ts'
import type { Layout } from '../membership/layout.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { CoordinateRequest } from '../rpc/forward-method.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import { type GetAnswer, type GetComponents, GetOperation } from './get.ts'
import { checkSize, quorum } from './limits.ts'
import type {
  Coordinator,
  GetOptions,
  GetOutcome,
  PutOptions,
  PutOutcome,
  ScanOptions,
  ScanPage,
} from './outcome.ts'
import type { PutComponents } from './put.ts'
import type { RingView } from './ring-view.ts'
import { type RouteAnswer, type RouteComponents, RouteOperation } from './route.ts'
import type { Scanner } from './scan.ts'
import { WriteCoordinator } from './write-coordinator.ts'

export interface RingCoordinatorComponents extends GetComponents, PutComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly ring: RingView
  readonly hybrid: HybridClock
  readonly scanner: Scanner
  readonly counters: Counters
}

export interface RingCoordinatorSettings {
  readonly id: string
  readonly maxValueBytes: number
  readonly requestTimeoutMs: number
}

/** Requests of clients that may be under way at a time; one more is refused. */
const MAX_UNDER_WAY = 20_000

/** More than the coordinators that a node can try for one attempt of its client. */
const ATTEMPTS_OF_A_NODE = 256

/** Checks a client's request against the layout, runs it, and puts the outcome into the client's terms. */
export class RingCoordinator implements Coordinator {
  private readonly components: RingCoordinatorComponents
  private readonly settings: RingCoordinatorSettings
  private readonly routing: RouteComponents
  private readonly session: string
  private nextRequest = 0
  private underWay = 0
  private draining = false
  private idle: (() => void) | undefined

  constructor(components: RingCoordinatorComponents, settings: RingCoordinatorSettings) {
    this.components = components
    this.settings = settings
    this.session = components.random.u32().toString(36)
    const writes = new WriteCoordinator({ ...components, serving: () => this.ring() }, settings)
    const coordinate: RouteComponents['coordinate'] = (request, reply) => writes.coordinate(request, reply)
    this.routing = { ...components, coordinate, newRequest: () => this.newRequest() }
  }

  /** Refuses new requests and resolves when those under way are answered. */
  drain(): Promise<void> {
    this.draining = true
    if (this.underWay === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.idle = resolve
    })
  }

  put(key: Key, value: Buffer | null, options: PutOptions): Promise<PutOutcome> {
    try {
      const { layout, slots } = this.ring()
      const w = quorum('w', options.w ?? layout.w, layout.n)
      checkSize(value, this.settings.maxValueBytes)
      const owners = slots.owners(slotOf(key))
      const request: CoordinateRequest = {
        key,
        value,
        w,
        ttlMs: options.ttlMs ?? 0,
        context: options.context,
        strict: options.strict ?? false,
        request: options.request ?? '',
        attempt: (options.attempt ?? 0) * ATTEMPTS_OF_A_NODE,
        timeoutMs: options.timeoutMs ?? this.settings.requestTimeoutMs,
      }
      if (value !== null || request.context !== undefined || layout.conflicts === 'lww')
        return this.write(request, owners)
      return this.get(key, { timeoutMs: options.timeoutMs }).then(({ context }) =>
        this.write({ ...request, context }, owners),
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async get(key: Key, options: GetOptions): Promise<GetOutcome> {
    const { layout, slots } = this.ring()
    const r = quorum('r', options.r ?? layout.r, layout.n)
    const slot = slotOf(key)
    const plan = {
      self: this.settings.id,
      owners: slots.owners(slot),
      preference: slots.preference(slot),
      ownersMoved: layout.former.length > 0,
      r,
      timeoutMs: options.timeoutMs ?? this.settings.requestTimeoutMs,
    }
    const answer = await this.run<GetAnswer>((done) =>
      new GetOperation(this.components, key, plan, done).start(),
    )
    return this.outcome(key, r, layout, answer)
  }

  async scan(options: ScanOptions): Promise<ScanPage> {
    const { layout, slots } = this.ring()
    return this.components.scanner.page(options, slots, layout.r)
  }

  /** One promise for each write, and no more: there are many of them. */
  private write(request: CoordinateRequest, owners: readonly string[]): Promise<PutOutcome> {
    return this.run<PutOutcome>((done) => {
      const answered: Reply<RouteAnswer> = (error, answer) => {
        if (error !== undefined) return done(error)
        const { version, acks, sloppy, existed, coordinator } = answer as RouteAnswer
        done(undefined, { version, acks, w: request.w, sloppy, coordinator, existed })
      }
      new RouteOperation(this.routing, { self: this.settings.id, owners }, request, answered).next()
    })
  }

  private outcome(key: Key, r: number, layout: Layout, answer: GetAnswer): GetOutcome {
    const { record, replies, ownersReplied, sloppy } = answer
    if (record === EMPTY_RECORD && ownersReplied < r) {
      const why = `only ${ownersReplied} owners of ${keyToText(key)} answered, r=${r}, and no fallback has it`
      throw new KvError('no_quorum', why, 'see which nodes are up: kv ring status')
    }
    const wallMs = this.components.hybrid.wallMs()
    const visible = liveSiblings(record, wallMs, layout.conflicts)
    const values = visible.map((sibling) => ({
      value: sibling.value as Buffer,
      version: versionOf([sibling]),
      stampMs: sibling.stamp.wallMs,
      expiresAtMs: sibling.expiresAtMs,
    }))
    return { values, context: contextOf(record, wallMs), replies, r, wallMs, sloppy }
  }

  private ring(): { layout: Layout; slots: SlotTable } {
    if (this.draining) throw new KvError('not_ready', 'the node is stopping', 'ask another node')
    const { ring } = this.components
    const refusal = ring.refusal()
    if (refusal !== undefined) throw new KvError('not_ready', refusal, 'ask another node: kv node list')
    const layout = ring.layout()
    const slots = ring.slots()
    if (layout !== undefined && slots !== undefined) return { layout, slots }
    throw new KvError('not_ready', 'the ring is not formed yet: too few of its first nodes have been found')
  }

  private newRequest(): string {
    return `${this.settings.id}.${this.session}.${(this.nextRequest++).toString(36)}`
  }

  /** Counts an operation as under way until it calls back. */
  private run<T>(begin: (done: Reply<T>) => void): Promise<T> {
    if (this.underWay >= MAX_UNDER_WAY) {
      throw new KvError(
        'overloaded',
        `${this.underWay} requests are under way on this node`,
        'slow down and try again',
      )
    }
    this.underWay++
    return new Promise<T>((resolve, reject) => {
      begin((error, answer) => {
        if (--this.underWay === 0 && this.draining) this.idle?.()
        if (error === undefined) resolve(answer as T)
        else reject(error)
      })
    })
  }
}
