import type { Counters } from '../../shared/counters.ts'
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
import type { RepairMarks } from './repair-marks.ts'

/** How often the age of hints is looked at, milliseconds. */
const ROUND_MS = 1_000
const STORE_TIMEOUT_MS = 5_000
/** Hints for one owner that are looked at in a round. */
const WINDOW = 64

export interface HintExpiryComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly ring: HandoffRing
  readonly hints: HintStore
  readonly holder: Holder
  readonly marks: RepairMarks
  readonly counters: Counters
  readonly trace: Trace
}

/**
 * Gives up hints for owners that have been away for too long. A hint may be one of the few copies of an acknowledged
 * write, perhaps the last one: so it goes only when every other owner of the key has what is in it on its disk. Then
 * the slot is marked, and anti-entropy brings it to the owner that was away. Where another owner is out of reach too,
 * the hint stays, however old it is.
 */
export class HintExpiry {
  private readonly components: HintExpiryComponents
  private readonly settings: { id: NodeId; maxAgeMs: number }
  private readonly cursors = new Map<NodeId, Iterator<Key>>()
  private underWay = 0
  private timer: Timer | undefined

  constructor(components: HintExpiryComponents, settings: { id: NodeId; maxAgeMs: number }) {
    this.components = components
    this.settings = settings
  }

  start(): void {
    this.timer = this.components.clock.after(ROUND_MS, () => {
      this.start()
      // A round begins when all of the one before are through, so that no hint is under way twice.
      if (this.underWay === 0) this.look()
    })
  }

  stop(): void {
    this.timer?.cancel()
    this.timer = undefined
  }

  private look(): void {
    const { clock, ring, hints } = this.components
    const table = ring.slots()
    if (table === undefined) return
    const before = clock.wallMs() - this.settings.maxAgeMs
    for (const { target } of hints.held()) {
      if (ring.reachable(target)) continue
      for (const key of this.next(target, before)) {
        const others = table.owners(slotOf(key)).filter((owner) => owner !== target)
        if (others.length > 0) this.giveUp(target, key, others)
      }
    }
  }

  /** A few hints that are too old, from where the last round ended: those that have to stay hold up no others. */
  private next(target: NodeId, before: number): Key[] {
    const { hints } = this.components
    const cursor = this.cursors.get(target) ?? hints.keys(target)[Symbol.iterator]()
    this.cursors.set(target, cursor)
    const keys: Key[] = []
    while (keys.length < WINDOW) {
      const { value, done } = cursor.next()
      const madeMs = done === true ? undefined : hints.madeMs(target, value)
      if (madeMs === undefined || madeMs >= before) {
        this.cursors.delete(target)
        break
      }
      keys.push(value)
    }
    return keys
  }

  private giveUp(target: NodeId, key: Key, others: readonly NodeId[]): void {
    const { ring, rpc, hints, holder, marks, counters, trace } = this.components
    const { id } = this.settings
    if (others.some((owner) => owner !== id && !ring.reachable(owner))) return
    const bytes = hints.encoded(target, key)
    if (bytes === undefined) return
    this.underWay++
    let left = others.length
    let safe = true
    const answered = (error: unknown) => {
      if (error !== undefined) safe = false
      if (--left > 0) return
      this.underWay--
      // In the same turn, and so in the same batch: the hint is not gone before the mark is there.
      if (!safe || !hints.delivered(target, key, bytes)) return
      marks.mark(slotOf(key))
      counters.add('hints_expired_total')
      trace.event('info', 'hint.expired', { target })
    }
    for (const owner of others) {
      if (owner === id) holder.store(key, '', bytes, 'mend', answered)
      else rpc.call(owner, STORE, { key, hintFor: '', bytes, fresh: false }, STORE_TIMEOUT_MS, answered)
    }
  }
}
