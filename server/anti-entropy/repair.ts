import type { RepairStatus, ScrubStatus } from '../../shared/api.ts'
import type { Counters } from '../../shared/counters.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { Holder } from '../handoff/holder.ts'
import type { RepairMarks } from '../handoff/repair-marks.ts'
import type { Completeness } from '../membership/completeness.ts'
import { type Layout, placedIn } from '../membership/layout.ts'
import type { LayoutStore } from '../membership/layout-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { Burial } from '../replica/burial.ts'
import type { Floors } from '../replica/floors.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import type { Minter } from '../replica/minter.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { Rpc } from '../rpc/method.ts'
import { AntiEntropy } from './anti-entropy.ts'
import type { RingSource } from './exchange-server.ts'
import { LeafJournal } from './leaf-journal.ts'
import { MarkedSlots } from './marked-slots.ts'
import { Scrub } from './scrub.ts'
import type { SlotDigests } from './slot-digests.ts'
import { SlotReader } from './slot-reader.ts'

export interface RepairComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly trace: Trace
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly ring: RingSource & {
    onReachable(fn: (id: NodeId) => void): void
    onLayout(fn: (layout: Layout) => void): void
    readonly disks: { onDoubt(fn: (commits: number) => void): void }
    readonly layouts: Pick<LayoutStore, 'forgetPromises'>
  }
  readonly data: StagedRecords
  readonly holder: Holder
  readonly counters: Counters
  readonly minter: Minter
  readonly marks: RepairMarks
  /** Told of every change to the data before it is staged. */
  readonly digests: SlotDigests
  readonly floors: Floors
  readonly burial: Burial
  readonly hybrid: HybridClock
  readonly completeness: Pick<Completeness, 'everywhere' | 'lacking' | 'comparedWith' | 'doubt' | 'doubts'>
}

export interface RepairSettings {
  readonly id: NodeId
  /** Between two comparisons with peers, milliseconds; 0 is never. */
  readonly repairEveryMs?: number | undefined
  readonly repairRecordsPerSecond?: number | undefined
  /** Between two scrubs, milliseconds; 0 is never. */
  readonly scrubEveryMs?: number | undefined
}

export const DEFAULT_REPAIR_EVERY_MS = 10_000
export const DEFAULT_REPAIR_RECORDS_PER_SECOND = 200
/** Few enough that clients notice little of it, and enough for a small difference to be mended at once. */
const LEAST_RECORDS_PER_SECOND = 100
export const DEFAULT_SCRUB_EVERY_MS = 86_400_000

/** All that keeps a node's data whole in the background: its digests, their comparison with peers, and the scrub. */
export class Repair {
  private readonly antiEntropy: AntiEntropy
  private readonly scrub: Scrub
  private readonly journal: LeafJournal
  private readonly components: RepairComponents
  private readonly self: NodeId

  constructor(components: RepairComponents, settings: RepairSettings) {
    const { storage, commit, digests } = components
    this.components = components
    this.self = settings.id
    this.journal = new LeafJournal({ leaves: digests.leaves })
    commit.ride(() => this.journal.ops())
    const onRebuilt = (slots: readonly number[]) => {
      // The disk has lost something without a word: what is missing is not to be taken for deleted.
      for (const slot of slots) components.floors.forget(slot)
      this.refill()
    }
    this.scrub = new Scrub(
      { ...components, onDamage: (key) => this.restore(key), onRebuilt },
      { everyMs: settings.scrubEveryMs ?? DEFAULT_SCRUB_EVERY_MS },
    )
    const reader = new SlotReader({
      storage,
      onDamage: (slot) => this.scrub.suspect(slot),
      onUnreadable: (slot) => {
        components.floors.forget(slot)
        this.scrub.suspect(slot)
      },
    })
    const marked = new MarkedSlots(
      { marks: components.marks, slots: () => components.ring.slots() },
      settings,
    )
    this.antiEntropy = new AntiEntropy(
      { ...components, leaves: digests.leaves, reader, marked },
      {
        id: settings.id,
        everyMs: settings.repairEveryMs ?? DEFAULT_REPAIR_EVERY_MS,
        pace: {
          perSecond: settings.repairRecordsPerSecond ?? DEFAULT_REPAIR_RECORDS_PER_SECOND,
          atLeast: LEAST_RECORDS_PER_SECOND,
        },
      },
    )
    components.ring.onReachable((id) => this.antiEntropy.returned(id))
    let placed = 0
    components.ring.onLayout((layout) => {
      const before = placed
      placed = placedIn(layout)
      const moved = before > 0 && placed > before
      if (moved || !components.completeness.everywhere) this.antiEntropy.begin()
    })
    components.ring.disks.onDoubt((commits) => {
      if (!commit.reach(commits)) return
      commit.add(components.ring.layouts.forgetPromises())
      this.refill()
    })
  }

  /** Reads the digests from the disk. Before anything is written. */
  async recover(): Promise<void> {
    await this.scrub.recover(await this.journal.recover(this.components.storage))
  }

  start(): void {
    this.antiEntropy.start()
    this.scrub.start()
  }

  stop(): void {
    this.antiEntropy.stop()
    this.scrub.stop()
  }

  /** Compares with every peer within reach, now; the records of `slot` are checked against its digest first. */
  compareNow(slot?: number): void {
    if (slot !== undefined) this.scrub.suspect(slot)
    this.antiEntropy.begin()
  }

  /** No further comparisons, and none of what is under way goes on, until `resume` or the next start of the node. */
  pause(): void {
    this.antiEntropy.pause()
  }

  resume(): void {
    this.antiEntropy.resume()
  }

  /** Reads and checks all data now, unless that is under way. */
  scrubNow(): void {
    this.scrub.begin()
  }

  get divergentSlots(): number {
    return this.antiEntropy.divergentSlots
  }

  /** A record was found damaged outside of a scrub. */
  suspect(key: Key): void {
    this.scrub.suspect(slotOf(key))
  }

  repairStatus(): RepairStatus {
    return this.antiEntropy.status()
  }

  scrubStatus(): ScrubStatus {
    return { node: this.self, ...this.scrub.status() }
  }

  /** The disk has lost something, and nobody knows what: it is compared with everyone before it counts in reads. */
  private refill(): void {
    const { commit, completeness } = this.components
    commit.add(completeness.doubt())
    this.antiEntropy.begin()
  }

  /** The disk has lost a record: it is written anew, from memory, or else from a peer's copy. */
  private restore(key: Key): void {
    const { data, trace, counters, minter, floors } = this.components
    const rewritten = data.rewrite(key)
    trace.event('error', 'record.corrupt', { key: keyToText(key), why: 'found by a scrub', rewritten })
    counters.add('corrupt_records_total')
    if (rewritten) return
    minter.forgetRecord()
    floors.forget(slotOf(key))
  }

  /** For metrics. */
  addStats(stats: Map<string, number>): void {
    const { passes, recordsChecked, recordsDamaged, slotsRebuilt } = this.scrub.status()
    stats.set('disk_complete', Number(this.components.completeness.everywhere))
    stats.set('anti_entropy_divergent_slots', this.antiEntropy.divergentSlots)
    stats.set('anti_entropy_rounds_total', this.antiEntropy.completedRounds)
    stats.set('scrub_passes_total', passes)
    stats.set('scrub_records_total', recordsChecked)
    stats.set('scrub_records_damaged_total', recordsDamaged)
    stats.set('scrub_slots_rebuilt_total', slotsRebuilt)
  }
}
