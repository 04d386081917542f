import type { Counters } from '../../shared/counters.ts'
import { KvError, toKvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import type { KeyRecord } from '../causality/record.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import { Alarm, Deadline, type Deadlines } from '../rpc/deadlines.ts'
import type { FetchResponse } from '../rpc/replica-methods.ts'
import { GetCore } from './get-core.ts'
import type { Holders } from './holders.ts'
import type { LatencyQuantile } from './latency.ts'
import type { ReadRepair } from './read-repair.ts'
import type { RingView } from './ring-view.ts'

export interface GetComponents {
  readonly clock: Clock
  readonly ring: RingView
  readonly holders: Holders
  readonly deadlines: Deadlines
  readonly latency: LatencyQuantile
  readonly repair: ReadRepair
  readonly counters: Counters
}

export interface GetPlan {
  readonly self: NodeId
  readonly owners: readonly NodeId[]
  readonly preference: readonly NodeId[]
  /** Slots have changed hands since the ring was founded. */
  readonly ownersMoved: boolean
  readonly r: number
  readonly timeoutMs: number
}

export interface GetAnswer {
  readonly record: KeyRecord
  readonly replies: number
  readonly ownersReplied: number
  readonly sloppy: boolean
}

export type GetDone = (error: KvError | undefined, answer?: GetAnswer) => void

/** How long the owners' answers are held back for those who may keep hints, milliseconds. */
export const HINTS_PATIENCE_MS = 500

/**
 * One read: ask r owners, a spare one when they are slower than usual, and fallbacks in the place of owners out of
 * reach. Whoever is known to keep hints for an owner that was asked is asked as well, because that owner has
 * not seen those writes yet. When all that were asked have answered, owners that lag are mended.
 */
export class GetOperation extends Deadline {
  private readonly components: GetComponents
  private readonly key: Key
  private readonly plan: GetPlan
  private readonly done: GetDone
  private readonly core: GetCore
  private readonly startedMs: number
  private readonly asked = new Set<NodeId>()
  /** Owners that were asked because they keep hints, and may be asked as owners all the same. */
  private readonly consulted = new Set<NodeId>()
  /** Hint holders that have not answered. */
  private readonly awaited = new Set<NodeId>()
  private readonly spares: NodeId[]
  private readonly inReach: number
  private readonly alarms: Alarm[] = []
  private underWay = 0
  /** The holders are asked for what their floors add to the record. */
  private onFloor = false
  private blind = false
  private concluded = false

  constructor(components: GetComponents, key: Key, plan: GetPlan, done: GetDone) {
    super()
    this.components = components
    this.key = key
    this.plan = plan
    this.done = done
    this.core = new GetCore(key, plan)
    this.startedMs = components.clock.monotonicMs()
    const reach = plan.preference.filter((node) => node === plan.self || components.ring.reachable(node))
    const owners = reach.filter((node) => plan.owners.includes(node))
    const own = owners.indexOf(plan.self)
    if (own > 0) owners.unshift(...owners.splice(own, 1))
    this.spares = [...owners, ...reach.filter((node) => !plan.owners.includes(node))]
    this.inReach = this.spares.length
  }

  start(): void {
    const { r, timeoutMs } = this.plan
    if (this.spares.length < r) return this.answerNoQuorum()
    this.components.deadlines.add(timeoutMs, this)
    // This node calls back at once, so it comes last: no answer may be complete before all have been asked.
    const first = this.spares.splice(0, r)
    const local = first.filter((node) => node === this.plan.self)
    if (local.length === 0) this.consultOwnHints()
    for (const node of first) if (node !== this.plan.self) this.ask(node)
    for (const node of first) this.askHintHolders(node)
    for (const node of local) this.ask(node)
    if (r > local.length) this.setAlarm(this.components.latency.ms, () => this.askSpareOwner())
    if (this.awaited.size > 0) this.setAlarm(HINTS_PATIENCE_MS, () => this.stopAwaiting())
  }

  expire(): void {
    const { r, timeoutMs } = this.plan
    const why = `${this.core.count} of ${r} replicas answered in ${timeoutMs} ms`
    this.done(new KvError('read_timeout', why, 'see which nodes are slow: kv ring status'))
  }

  override settle(): void {
    super.settle()
    for (const alarm of this.alarms) alarm.settle()
  }

  /** Rings unless the read has been answered by then. */
  private setAlarm(afterMs: number, ring: () => void): void {
    if (this.settled) return
    const alarm = new Alarm(ring)
    this.alarms.push(alarm)
    this.components.deadlines.add(afterMs, alarm)
  }

  /** When the usual time has passed, the next node is asked as well (Dean and Barroso, "The Tail at Scale", 2013). */
  private askSpareOwner(): void {
    if (this.spares.length === 0 || !this.isOwner(this.spares[0] as NodeId)) return
    this.components.counters.add('speculative_reads_total')
    this.askNext()
  }

  /** Hint holders are asked for completeness: where one does not answer, the read says that it may be incomplete. */
  private stopAwaiting(): void {
    if (this.awaited.size === 0) return
    this.blind = true
    this.awaited.clear()
    this.advance()
  }

  private isOwner(node: NodeId): boolean {
    return this.plan.owners.includes(node)
  }

  private askNext(): boolean {
    const node = this.spares.shift()
    if (node === undefined) return false
    if (this.asked.has(node)) return this.askNext()
    this.ask(node)
    this.askHintHolders(node)
    return true
  }

  private ask(node: NodeId): void {
    this.asked.add(node)
    this.underWay++
    const { holders, latency, clock } = this.components
    holders.fetch(node, this.key, this.onFloor && this.isOwner(node), this.plan.timeoutMs, (error, held) => {
      this.underWay--
      if (error === undefined) {
        if (node !== this.plan.self) latency.observe(clock.monotonicMs() - this.startedMs)
        this.core.replied(node, this.isOwner(node) ? 'owner' : 'fallback', held as FetchResponse)
      }
      if (held?.complete !== true && !this.settled) this.askNext()
      this.advance()
    })
  }

  private askHintHolders(owner: NodeId): void {
    const { ring, holders, counters } = this.components
    if (!this.isOwner(owner)) return
    if (ring.mayHoldHintsElsewhere(owner)) this.blind = true
    for (const holder of ring.hintHolders(owner)) {
      if (this.asked.has(holder) || this.consulted.has(holder) || holder === this.plan.self) continue
      // An owner's hint counted together with its data, unless it was given as a fallback, before it became an owner.
      if (this.isOwner(holder) && !this.plan.ownersMoved) continue
      if (this.isOwner(holder)) this.consulted.add(holder)
      else this.asked.add(holder)
      this.awaited.add(holder)
      this.underWay++
      counters.add('hint_holder_reads_total')
      holders.fetch(holder, this.key, false, this.plan.timeoutMs, (error, held) => {
        this.underWay--
        this.awaited.delete(holder)
        if (error !== undefined) this.blind = true
        else this.core.replied(holder, 'hint', held as FetchResponse)
        this.advance()
      })
    }
  }

  /** This node may keep hints for the very owners that it asks. */
  private consultOwnHints(): void {
    const { self, timeoutMs } = this.plan
    this.components.holders.fetch(self, this.key, false, timeoutMs, (error, held) => {
      if (error !== undefined) this.blind = true
      else if (held !== undefined && held.bytes.length > 0) this.core.replied(self, 'hint', held)
    })
  }

  private advance(): void {
    if (!this.settled && this.core.enough && this.awaited.size === 0) this.conclude()
    if (!this.settled && this.underWay === 0) this.answerNoQuorum()
    if (this.underWay === 0) this.mend()
  }

  private conclude(): void {
    this.settle()
    if (this.core.floorsDiffer && !this.onFloor) return this.askOnFloor()
    let record: KeyRecord
    try {
      record = this.core.merged()
    } catch (error) {
      return this.done(toKvError(error))
    }
    this.concluded = true
    const { count, ownersReplied } = this.core
    const sloppy = this.blind || ownersReplied < this.plan.r
    this.done(undefined, { record, replies: count, ownersReplied, sloppy })
  }

  /** One of the owners may lack what has been collected elsewhere: only their floors tell a delete from a gap. */
  private askOnFloor(): void {
    const { clock, counters } = this.components
    counters.add('floor_reads_total')
    const timeoutMs = Math.max(0, this.plan.timeoutMs - (clock.monotonicMs() - this.startedMs))
    const again = new GetOperation(this.components, this.key, { ...this.plan, timeoutMs }, this.done)
    again.onFloor = true
    again.start()
  }

  private answerNoQuorum(): void {
    this.settle()
    const { r, preference } = this.plan
    const found =
      this.inReach < r
        ? `in reach of this node: ${this.inReach} of ${preference.length}`
        : `with an answer: ${this.core.count} of ${this.inReach} in reach${this.forgetful()}`
    const why = `r=${r}, but of the nodes that could have ${keyToText(this.key)}, ${found}`
    this.done(new KvError('no_quorum', why, 'see which nodes are up: kv ring status'))
  }

  private forgetful(): string {
    const { forgetful } = this.core
    return forgetful === 0 ? '' : `, and ${forgetful} that must be filled first`
  }

  /** Everyone has answered or failed: owners that lack something are sent the merged record. */
  private mend(): void {
    if (this.concluded) this.components.repair.mend(this.key, this.core)
  }
}
