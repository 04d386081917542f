import type { Key } from '../../shared/key.ts'
import { EMPTY_RECORD } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import type { Rpc } from '../rpc/method.ts'
import { STORE } from '../rpc/replica-methods.ts'
import type { HintStore } from './hint-store.ts'

/** Hints on their way to one owner at a time: enough to fill a batch there, few enough not to crowd its clients out. */
const WINDOW = 64
/** How often the owners are looked at, milliseconds; also the pause after an owner has refused a hint. */
const ROUND_MS = 500
const STORE_TIMEOUT_MS = 5_000

export interface HintReplayComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly hints: HintStore
  readonly members: { reachable(id: NodeId): boolean }
  readonly trace: Trace
}

/**
 * Hands hints over to their owners when they are in reach again, oldest first. A hint is only deleted after its
 * owner has answered that it is durable there.
 */
export class HintReplay {
  private readonly components: HintReplayComponents
  private readonly underWay = new Map<NodeId, Set<Key>>()
  /** Owners that have refused a hint in this round, or taken one that has grown meanwhile. */
  private readonly resting = new Set<NodeId>()
  private timer: Timer | undefined
  private delivered = 0

  constructor(components: HintReplayComponents) {
    this.components = components
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

  /** Hints that have been handed over since the start. */
  get total(): number {
    return this.delivered
  }

  /** Sends what the window has room for. */
  private pump(target: NodeId): void {
    const { hints, members } = this.components
    if (this.timer === undefined || this.resting.has(target) || !members.reachable(target)) return
    const underWay = this.flights(target)
    for (const key of hints.keys(target)) {
      if (underWay.size >= WINDOW) return
      if (!underWay.has(key)) this.send(target, key, underWay)
    }
  }

  private send(target: NodeId, key: Key, underWay: Set<Key>): void {
    const { rpc, hints, trace } = this.components
    const bytes = this.encoded(target, key)
    if (bytes === undefined) return
    underWay.add(key)
    rpc.call(target, STORE, { key, hintFor: '', bytes }, STORE_TIMEOUT_MS, (error) => {
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

  /** undefined where the hint is not durable yet, or lost to the disk. */
  private encoded(target: NodeId, key: Key): Buffer | undefined {
    const { hints } = this.components
    try {
      const record = hints.records(target).durable(key)
      return record === EMPTY_RECORD ? undefined : encodeRecord(key, record)
    } catch {
      hints.remove(target, key)
      return undefined
    }
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
