import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import type { Rpc } from '../rpc/method.ts'
import { STORE } from '../rpc/replica-methods.ts'
import type { HandoffRing } from './handoff-ring.ts'
import type { HintStore } from './hint-store.ts'
import type { Holder } from './holder.ts'

/** Hints on their way to one owner at a time: enough to fill a batch there, few enough not to crowd its clients out. */
const WINDOW = 64
/** How often the owners are looked at, milliseconds; also the pause after an owner has refused a hint. */
const ROUND_MS = 500
const STORE_TIMEOUT_MS = 5_000

export interface HintReplayComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly hints: HintStore
  readonly holder: Holder
  readonly ring: HandoffRing
  readonly trace: Trace
}

/**
 * Hands hints over to their owners when they are in reach again, oldest first. A hint is only deleted after its
 * owner has answered that it is durable there.
 *
 * A hint for a node that was taken out of the ring may be the last copy of a write: it goes to all owners that the key
 * has now, and stays here as a hint for those of them that are out of reach.
 */
export class HintReplay {
  private readonly components: HintReplayComponents
  private readonly underWay = new Map<NodeId, Set<Key>>()
  /** Owners that have refused a hint in this round, or taken one that has grown meanwhile. */
  private readonly resting = new Set<NodeId>()
  private timer: Timer | undefined
  private delivered = 0
  private readonly self: NodeId

  constructor(components: HintReplayComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  start(): void {
    this.timer = this.components.clock.after(ROUND_MS, () => {
      this.start()
      this.resting.clear()
      for (const { target } of this.components.hints.held()) this.pump(target)
    })
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  /**
   * Sends the hints for the owner, or for all of them, now, also to one that has just refused some.
   * @returns the owners that hints are held for, and whether they are in reach to be sent any.
   */
  begin(only?: NodeId): readonly { target: NodeId; count: number; sending: boolean }[] {
    const { hints } = this.components
    const wanted = hints.held().filter(({ target }) => only === undefined || target === only)
    return wanted.map(({ target, count }) => {
      this.resting.delete(target)
      this.pump(target)
      return { target, count, sending: this.timer !== undefined && this.due(target) }
    })
  }

  /** Hints that have been handed over since the start. */
  get total(): number {
    return this.delivered
  }

  /** Sends what the window has room for. */
  private pump(target: NodeId): void {
    const { hints } = this.components
    if (this.timer === undefined || this.resting.has(target) || !this.due(target)) return
    const underWay = this.flights(target)
    for (const key of hints.keys(target)) {
      if (underWay.size >= WINDOW) return
      if (!underWay.has(key)) this.send(target, key, underWay)
    }
  }

  /** The owner is there to take its hints, or gone for good. */
  private due(target: NodeId): boolean {
    return this.components.ring.reachable(target) || this.gone(target)
  }

  private gone(target: NodeId): boolean {
    return this.components.ring.slots()?.members.includes(target) === false
  }

  private send(target: NodeId, key: Key, underWay: Set<Key>): void {
    const { hints, trace } = this.components
    const bytes = hints.encoded(target, key)
    if (bytes === undefined) return
    underWay.add(key)
    this.deliver(target, key, bytes, (error) => {
      underWay.delete(key)
      if (error === undefined) {
        this.delivered++
        if (trace.enabled('debug')) trace.event('debug', 'hint.delivered', { target })
        // What the hint has grown by may be long in getting durable: it is not sent again and again until then.
        if (!hints.delivered(target, key, bytes)) this.resting.add(target)
      } else this.resting.add(target)
      this.pump(target)
    })
  }

  private deliver(target: NodeId, key: Key, bytes: Buffer, done: (error: unknown) => void): void {
    const { ring, holder } = this.components
    if (!this.gone(target)) return this.store(target, key, bytes, done)
    const owners = ring.slots()?.owners(slotOf(key)) ?? []
    let left = owners.length
    let failure: unknown
    const one = (error: unknown) => {
      failure ??= error
      if (--left === 0) done(failure)
    }
    for (const owner of owners) {
      if (owner === this.self) holder.store(key, '', bytes, 'mend', one)
      else if (ring.reachable(owner)) this.store(owner, key, bytes, one)
      else holder.store(key, owner, bytes, 'mend', one)
    }
  }

  private store(owner: NodeId, key: Key, bytes: Buffer, done: (error: unknown) => void): void {
    const request = { key, hintFor: '', bytes, fresh: false }
    this.components.rpc.call(owner, STORE, request, STORE_TIMEOUT_MS, done)
  }

  private flights(target: NodeId): Set<Key> {
    let flights = this.underWay.get(target)
    if (flights === undefined) {
      flights = new Set()
      this.underWay.set(target, flights)
    }
    return flights
  }
}
