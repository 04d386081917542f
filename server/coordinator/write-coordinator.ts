import { KvError, toKvError } from '../../shared/errors.ts'
import { slotOf } from '../../shared/slot.ts'
import { versionOf } from '../causality/version.ts'
import { liveSiblings } from '../causality/write.ts'
import type { Layout } from '../membership/layout.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import {
  type CoordinateRequest,
  FORWARD,
  type ForwardRequest,
  type ForwardResponse,
} from '../rpc/forward-method.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import { type GetComponents, GetOperation } from './get.ts'
import { checkSize, quorum } from './limits.ts'
import { type PutComponents, PutOperation } from './put.ts'

export interface WriteCoordinatorComponents extends GetComponents, PutComponents {
  readonly rpc: Rpc
  /** @throws KvError `not_ready` where this node serves no requests now. */
  readonly serving: () => { layout: Layout; slots: SlotTable }
}

/** Coordinates writes on this node: its own clients' and those that other nodes forward. */
export class WriteCoordinator {
  private readonly components: WriteCoordinatorComponents
  private readonly settings: { id: string; maxValueBytes: number }

  constructor(components: WriteCoordinatorComponents, settings: { id: string; maxValueBytes: number }) {
    this.components = components
    this.settings = settings
    components.rpc.handle(FORWARD, (_from, request, reply) => this.forwarded(request, reply))
  }

  /** The sender waits no longer than `until`, so nothing is begun that could outlast it. */
  private forwarded(request: ForwardRequest, reply: Reply<ForwardResponse>): void {
    const now = this.components.ring.moments.now()
    const leftMs = request.until.session === now.session ? request.until.ms - now.ms : 0
    if (leftMs <= 0) return reply(tooLate())
    // The message's memory goes with the message; the record stays.
    const value = request.value === null ? null : Buffer.from(request.value)
    const { key, w, ttlMs, context, strict, request: name, attempt } = request
    const timeoutMs = Math.min(request.timeoutMs, leftMs)
    this.coordinate({ key, value, w, ttlMs, context, strict, request: name, attempt, timeoutMs }, reply)
  }

  /** Coordinates a write on this node; the request has been checked where it came in. */
  coordinate(request: CoordinateRequest, reply: Reply<ForwardResponse>): void {
    if (request.attempt === 0) return this.write(request, reply)
    try {
      this.catchUp(request, (timeoutMs) => this.write({ ...request, timeoutMs }, reply))
    } catch (error) {
      reply(toKvError(error))
    }
  }

  /**
   * Before a write is attempted again: what earlier attempts have done, and whatever was acknowledged since, is on
   * any n - w + 1 of the owners. Where those cannot be asked in half the time, the write goes on without them.
   */
  private catchUp(request: CoordinateRequest, then: (timeoutMs: number) => void): void {
    const { clock, replica, data } = this.components
    const { id } = this.settings
    const { layout, slots } = this.components.serving()
    const startedMs = clock.monotonicMs()
    const slot = slotOf(request.key)
    const plan = {
      self: id,
      owners: slots.owners(slot),
      preference: slots.preference(slot),
      ownersMoved: layout.former.length > 0,
      r: layout.n - Math.min(request.w, layout.n) + 1,
      timeoutMs: request.timeoutMs / 2,
    }
    new GetOperation(this.components, request.key, plan, (_error, answer) => {
      if (answer !== undefined && slots.isOwner(slot, id)) replica.absorb(data, request.key, answer.record)
      then(request.timeoutMs - (clock.monotonicMs() - startedMs))
    }).start()
  }

  private write(request: CoordinateRequest, reply: Reply<ForwardResponse>): void {
    try {
      if (request.timeoutMs <= 0) throw tooLate()
      const { layout, slots } = this.components.serving()
      quorum('w', request.w, layout.n)
      checkSize(request.value, this.settings.maxValueBytes)
      this.checkClock()
      const slot = slotOf(request.key)
      const plan = {
        self: this.settings.id,
        owners: slots.owners(slot),
        preference: slots.preference(slot),
        w: request.w,
        strict: request.strict,
        conflicts: layout.conflicts,
        timeoutMs: request.timeoutMs,
      }
      new PutOperation(this.components, request.key, request, plan, (error, answer) => {
        if (answer === undefined) return reply(error)
        const { written, acks, sloppy } = answer
        const existed =
          liveSiblings(written.before, this.components.hybrid.wallMs(), layout.conflicts).length > 0
        reply(undefined, { version: versionOf([written]), acks, sloppy, existed })
      }).start()
    } catch (error) {
      reply(toKvError(error))
    }
  }

  private checkClock(): void {
    if (this.components.ring.clockTrusted()) return
    throw new KvError(
      'clock_skew',
      'the clock of this node is not confirmed by its peers',
      'compare: kv node list',
    )
  }
}

function tooLate(): KvError {
  return new KvError('not_ready', 'the request came too late to be coordinated in its time', 'try again')
}
