import type { Counters } from '../../shared/counters.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { HintStore } from '../handoff/hint-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Durable } from '../replica/group-commit.ts'
import type { Replica, StoreAck, Write, Written } from '../replica/replica.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { WritesUnderWay } from '../replica/writes-under-way.ts'
import { Alarm, Deadline, type Deadlines } from '../rpc/deadlines.ts'
import type { Holders } from './holders.ts'
import { PutCore } from './put-core.ts'
import type { RingView } from './ring-view.ts'

/** An owner that has not answered after this long gets a hint as well, milliseconds; its late answer still counts. */
export const HINT_AFTER_MS = 1_000

export interface PutComponents {
  readonly clock: Clock
  readonly ring: RingView
  readonly holders: Holders
  readonly replica: Replica
  readonly data: StagedRecords
  readonly hints: HintStore
  readonly hybrid: HybridClock
  readonly deadlines: Deadlines
  readonly counters: Counters
  readonly writes: WritesUnderWay
  /** This node, as an owner, holds all that it should of the key's slot. */
  readonly complete: (key: Key) => boolean
}

export interface PutPlan {
  readonly self: NodeId
  readonly owners: readonly NodeId[]
  /** Owners first, then the nodes that may keep hints, in order. */
  readonly preference: readonly NodeId[]
  readonly w: number
  readonly strict: boolean
  /** Under which the write was asked for. */
  readonly conflicts: ConflictPolicy
  readonly timeoutMs: number
}

export interface PutAnswer {
  readonly written: Written
  readonly acks: number
  readonly sloppy: boolean
}

export type PutDone = (error: KvError | undefined, answer?: PutAnswer) => void

/**
 * One write, coordinated by this node: stage it here, send the record to the other owners, leave hints for those
 * out of reach, and answer when w disks hold it. After the answer it goes on until every owner has the
 * record or a hint of it is kept.
 *
 * An owner may hold something with a higher stamp, because clocks differ. Every write acknowledged before this one
 * began is on one of any w owners (w > n/2), so one second round with a stamp above all that the first round met
 * puts this write after all of them. That is what `lww` goes by; `siblings` keeps both anyway, and may become `lww`.
 */
export class PutOperation extends Deadline {
  private readonly components: PutComponents
  private readonly key: Key
  private readonly write: Write
  private readonly plan: PutPlan
  private readonly done: PutDone
  private readonly startedMs: number
  private core: PutCore
  private current: Written | undefined
  private round = 0
  private underWay = 0
  private ticket = 0
  private nextFallback = 0

  constructor(components: PutComponents, key: Key, write: Write, plan: PutPlan, done: PutDone) {
    super()
    this.components = components
    this.key = key
    this.write = write
    this.plan = plan
    this.done = done
    this.startedMs = components.clock.monotonicMs()
    this.core = new PutCore(plan)
  }

  /** @throws KvError, definite: nothing was or will be applied. */
  start(): void {
    this.checkReach()
    this.checkRoom()
    const { replica, writes } = this.components
    this.ticket = writes.begin()
    try {
      this.launch((records, role, done) => replica.write(records, role, this.key, this.write, done))
    } catch (error) {
      writes.end(this.ticket)
      throw error
    }
    this.components.deadlines.add(this.plan.timeoutMs, this)
  }

  expire(): void {
    this.answerUnknown(
      `${this.core.acks} of ${this.plan.w} copies were durable after ${this.plan.timeoutMs} ms`,
    )
  }

  private checkReach(): void {
    const { owners, preference, w, strict, self } = this.plan
    const candidates = strict ? owners : preference
    const reach = candidates.filter((node) => node === self || this.components.ring.reachable(node))
    if (reach.length >= w) return
    const kind = strict ? 'owners' : 'nodes'
    throw new KvError(
      'no_quorum',
      `w=${w}, but only ${reach.length} ${kind} for ${keyToText(this.key)} can be reached`,
      'see which nodes are up: kv ring status',
    )
  }

  /** A fallback that coordinates keeps its own copy as a hint. */
  private checkRoom(): void {
    const { owners, self } = this.plan
    const refusal = owners.includes(self) ? undefined : this.components.hints.refusal()
    if (refusal !== undefined) throw refusal
  }

  /** Stages the write here and sends the record out. @returns false, and does nothing, where `stage` has none. */
  private launch(
    stage: (records: StagedRecords, role: 'owner' | 'fallback', done: Durable) => Written | undefined,
  ): boolean {
    const { owners, self } = this.plan
    const { data, hints } = this.components
    this.round++
    this.core = new PutCore(this.plan)
    this.nextFallback = 0
    const round = this.round
    const asOwner = owners.includes(self)
    // A fallback that coordinates keeps its own copy as the hint of the first owner, always the same one: what it
    // wrote of the key before is then found there, and its dots go on from that.
    const hintFor = asOwner ? '' : (owners[0] as NodeId)
    const records = asOwner ? data : hints.records(hintFor)
    const complete = this.components.complete(this.key)
    const written = stage(records, asOwner ? 'owner' : 'fallback', (error) => {
      if (round === this.round && error === undefined) {
        if (asOwner) this.core.ackedByOwner(self, undefined, complete)
        else this.core.ackedByFallback(self, hintFor)
      }
      this.heard()
    })
    if (written === undefined) return false
    this.underWay++
    this.current = written
    for (const owner of owners) if (owner !== self && owner !== hintFor) this.sendTo(owner, round)
    if (hintFor !== '' && this.components.ring.reachable(hintFor)) this.sendTo(hintFor, round)
    return true
  }

  private sendTo(owner: NodeId, round: number): void {
    const { ring, holders, deadlines } = this.components
    const bytes = (this.current as Written).bytes
    if (!ring.reachable(owner)) return this.hint(owner, round, bytes)
    this.underWay++
    const hedge = new Alarm(() => this.hint(owner, round, bytes))
    deadlines.add(HINT_AFTER_MS, hedge)
    holders.store(owner, this.key, '', bytes, this.plan.timeoutMs, (error, ack) => {
      const hinted = hedge.settled
      hedge.settle()
      if (error === undefined) this.ackedByOwner(owner, round, ack)
      else if (!hinted) this.hint(owner, round, bytes)
      this.heard()
    })
  }

  private ackedByOwner(owner: NodeId, round: number, ack: StoreAck | undefined): void {
    if (round === this.round && ack !== undefined)
      this.core.ackedByOwner(owner, ack.outrankedBy, ack.complete)
  }

  /** Leaves a hint for the owner with the next node that can take one; with this node when there is no other. */
  private hint(owner: NodeId, round: number, bytes: Buffer): void {
    const { ring, holders, counters } = this.components
    const { preference, owners, self } = this.plan
    let fallback = self
    while (this.nextFallback < preference.length - owners.length) {
      const node = preference[owners.length + this.nextFallback++] as NodeId
      if (node !== self && ring.reachable(node)) {
        fallback = node
        break
      }
    }
    counters.add('hints_sent_total')
    if (round === this.round) this.core.countUnfilled()
    this.underWay++
    holders.store(fallback, this.key, owner, bytes, this.plan.timeoutMs, (error) => {
      if (error === undefined && round === this.round) this.core.ackedByFallback(fallback, owner)
      if (error !== undefined && fallback !== self) this.hint(owner, round, bytes)
      this.heard()
    })
  }

  /** One holder has answered, for better or worse. */
  private heard(): void {
    this.underWay--
    if (!this.settled) {
      if (this.underWay === 0 && !this.core.enough) this.core.countUnfilled()
      if (this.core.enough) this.conclude()
      else if (this.underWay === 0)
        this.answerUnknown(`only ${this.core.acks} of ${this.plan.w} copies could be made durable`)
    }
    if (this.underWay === 0) this.components.writes.end(this.ticket)
  }

  private conclude(): void {
    // A process that was stopped for a while finds answers before it finds that the time is up. By then another
    // node may have settled the write and newer ones may have followed: it must not be stamped above them.
    const { clock } = this.components
    if (clock.monotonicMs() - this.startedMs > this.plan.timeoutMs) return this.expire()
    const { outrankedBy, acks, sloppy } = this.core
    if (this.round === 1 && outrankedBy !== undefined) {
      if (this.restamp(outrankedBy)) return
      // Where all versions are kept, the first round has done what was asked for.
      if (this.plan.conflicts === 'lww')
        return this.answerUnknown('another write of the same key came in between')
    }
    this.settle()
    if (sloppy) this.components.counters.add('sloppy_writes_total')
    this.done(undefined, { written: this.current as Written, acks, sloppy })
  }

  /**
   * The second round, with a higher stamp. Whoever has seen the write replaces it all the same.
   * @returns false where no stamp above the other can be made, or the write was replaced here meanwhile: then
   * what replaced it may rank below what this write must rank above.
   */
  private restamp(above: Stamp): boolean {
    const { hybrid, replica, counters } = this.components
    if (!hybrid.observe(above)) return false
    counters.add('restamps_total')
    const { dot } = this.current as Written
    return this.launch((records, role, done) =>
      replica.restamp(records, role, this.key, dot, this.write, done),
    )
  }

  private answerUnknown(why: string): void {
    this.settle()
    this.done(new KvError('outcome_unknown', why, `read it back: kv get ${keyToText(this.key)}`))
  }
}
