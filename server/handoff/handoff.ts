import type { HintsReplayed, HintsStatus } from '../../shared/api.ts'
import type { Counters } from '../../shared/counters.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { Completeness, type CompletenessRing } from '../membership/completeness.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { Floors } from '../replica/floors.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import type { Minter } from '../replica/minter.ts'
import type { Replica } from '../replica/replica.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { Rpc } from '../rpc/method.ts'
import type { HandoffRing } from './handoff-ring.ts'
import { HintExpiry } from './hint-expiry.ts'
import { HintReplay } from './hint-replay.ts'
import { HintStore } from './hint-store.ts'
import { Holder } from './holder.ts'
import { Inspector } from './inspector.ts'
import { MarkTransfer } from './mark-transfer.ts'
import { DurableRepairMarks } from './repair-marks.ts'

export interface HandoffComponents {
  readonly clock: Clock
  readonly rpc: Rpc
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly trace: Trace
  readonly counters: Counters
  readonly ring: HandoffRing & CompletenessRing
  readonly data: StagedRecords
  readonly replica: Replica
  readonly floors: Floors
  readonly hybrid: HybridClock
}

export interface HandoffSettings {
  readonly id: NodeId
  readonly maxHintBytes: number
  readonly maxHintAgeMs: number
  readonly incarnation: string
}

/** What a node keeps for others, and all that becomes of it: handed over, given up, or left to anti-entropy. */
export class Handoff {
  readonly hints: HintStore
  readonly holder: Holder
  readonly inspector: Inspector
  readonly completeness: Completeness
  /** Slots that anti-entropy has to look at. */
  readonly marks: DurableRepairMarks
  private readonly rpc: Rpc
  private readonly clock: Clock
  private readonly self: NodeId
  private readonly replayer: HintReplay
  private readonly expiry: HintExpiry
  private readonly transfer: MarkTransfer

  constructor(components: HandoffComponents, settings: HandoffSettings) {
    const { data, rpc, clock, ring } = components
    const { id, maxHintBytes, maxHintAgeMs } = settings
    this.rpc = rpc
    this.clock = clock
    this.self = id
    const marks = new DurableRepairMarks(components)
    this.marks = marks
    const onLost = (key: Key) => marks.mark(slotOf(key))
    const hints = new HintStore({ ...components, onLost }, { maxBytes: maxHintBytes })
    this.hints = hints
    const onGained = (slots: Iterable<number>) => {
      for (const slot of slots) components.floors.forget(slot)
    }
    const completeness = new Completeness({ ...components, onGained }, settings)
    this.completeness = completeness
    const holder = new Holder({ ...components, hints, marks, completeness })
    this.holder = holder
    this.inspector = new Inspector({ data, hints, completeness })
    this.replayer = new HintReplay({ ...components, hints, holder }, settings)
    this.expiry = new HintExpiry({ ...components, hints, holder, marks }, { id, maxAgeMs: maxHintAgeMs })
    this.transfer = new MarkTransfer({ rpc, clock, ring, marks }, { id })
  }

  /** This node, as an owner, holds all that it should of the key's slot. */
  complete(key: Key): boolean {
    return this.completeness.everywhere || this.completeness.of(slotOf(key))
  }

  async recover(): Promise<void> {
    await this.marks.recover()
    await this.hints.recover()
  }

  serve(): void {
    this.holder.serve(this.rpc)
    this.inspector.serve(this.rpc)
    this.transfer.serve(this.rpc)
  }

  start(): void {
    this.replayer.start()
    this.expiry.start()
    this.transfer.start()
  }

  stop(): void {
    this.replayer.stop()
    this.expiry.stop()
    this.transfer.stop()
  }

  /** Sends what waits for the owner, or for all of them, now. */
  replay(target?: NodeId): HintsReplayed {
    const begun = this.replayer.begin(target)
    return { hints: begun.map((replayed) => ({ holder: this.self, ...replayed })) }
  }

  status(): HintsStatus {
    const wallMs = this.clock.wallMs()
    const hints = this.hints.held().map(({ target, count, bytes, oldestMs }) => {
      return { holder: this.self, target, count, bytes, oldestMs: Math.max(0, wallMs - oldestMs) }
    })
    return { hints, markedSlots: this.marks.count }
  }

  addStats(stats: Map<string, number>): void {
    stats.set('hints_held', this.hints.count)
    stats.set('hint_bytes', this.hints.bytes)
    stats.set('hints_delivered_total', this.replayer.total)
    stats.set('repair_marks', this.marks.count)
  }
}
