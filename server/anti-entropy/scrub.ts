import type { ScrubStatus } from '../../shared/api.ts'
import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import { DATA_END, slotAddress } from '../replica/data-address.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import { Pace } from './pace.ts'
import { readScrubState, SCRUB_KEY, type ScrubState, scrubOp } from './scrub-state.ts'
import { SlotAudit } from './slot-audit.ts'
import type { SlotDigests } from './slot-digests.ts'

export interface ScrubComponents {
  readonly clock: Clock
  readonly random: Random
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly digests: SlotDigests
  readonly trace: Trace
  /** A record fails its checksum: told of once. */
  readonly onDamage: (key: Key) => void
  /** Digests have been put right: peers may hold what is missing here. */
  readonly onRebuilt: (slots: readonly number[]) => void
}

export interface ScrubSettings {
  /** From the end of one pass to the start of the next, milliseconds; 0 is never. */
  readonly everyMs: number
}

/** Slow enough not to be felt: a million records take two minutes or so. */
const RECORDS_PER_SECOND = 10_000
const LEAST_RECORDS_PER_SECOND = 600
/** After the start of the process, milliseconds, and up to as much again. */
const FIRST_AFTER_MS = 60_000
const LOOK_EVERY_MS = 10_000
/** Damaged records whose names are remembered. */
const MAX_KNOWN_DAMAGED = 10_000

/**
 * Reads all data at a slow pace, on a schedule or when asked to: checks every record, and every digest against the
 * records. What no write and no comparison comes across, a scrub finds. Slots of which something is suspected are
 * read at once.
 */
export class Scrub {
  private readonly components: ScrubComponents
  private readonly everyMs: number
  private readonly pace: Pace
  private readonly audit: SlotAudit
  private readonly suspects = new Set<number>()
  private readonly damagedKeys = new Set<Key>()
  private state: ScrubState = readScrubState(undefined)
  private timer: Timer | undefined
  private working = false
  private stopped = false
  private notBeforeMs = 0
  private readonly totals = { records: 0, damaged: 0, rebuilt: 0, unreadable: 0, passes: 0 }

  constructor(components: ScrubComponents, settings: ScrubSettings) {
    const { clock, storage, digests } = components
    this.components = components
    this.everyMs = settings.everyMs
    this.pace = new Pace({ clock }, { perSecond: RECORDS_PER_SECOND, atLeast: LEAST_RECORDS_PER_SECOND })
    this.audit = new SlotAudit({
      storage,
      digests,
      pace: this.pace,
      barrier: () => this.save(),
      onDamage: (_slot, key) => this.damaged(key),
      onUnreadable: (slot, error) => this.unreadable(slot, error),
    })
  }

  /** `complete`: the digests that were found on the disk are all there. Otherwise a pass makes them. */
  async recover(complete: boolean): Promise<void> {
    const { storage } = this.components
    this.state = readScrubState(storage.get(SCRUB_KEY))
    if (complete) return
    const data = await storage.iterate({ gte: slotAddress(0, ''), lt: DATA_END, limit: 1 })
    if (data.length === 0) return
    this.state = { ...this.state, next: 0, startedMs: this.components.clock.wallMs() }
    // Before the first write: after it, the disk would look as if it held all digests.
    await storage.commit([scrubOp(this.state)])
  }

  start(): void {
    const { clock, random } = this.components
    const waitMs = Math.min(this.everyMs, FIRST_AFTER_MS + random.below(FIRST_AFTER_MS))
    this.notBeforeMs = clock.monotonicMs() + waitMs
    this.look(0)
  }

  stop(): void {
    this.stopped = true
    this.timer?.cancel()
    this.pace.stop()
  }

  /** Begins a pass now, unless one is under way. */
  begin(): void {
    if (this.state.next !== undefined) return
    this.damagedKeys.clear()
    this.state = { ...this.state, next: 0, startedMs: this.components.clock.wallMs() }
    this.look(0)
  }

  /** Something is wrong in the slot: its records and its digest are checked soon. */
  suspect(slot: number): void {
    this.suspects.add(slot)
    if (!this.working) this.look(0)
  }

  status(): Omit<ScrubStatus, 'node'> {
    const { next, startedMs, finishedMs } = this.state
    const { records, damaged, rebuilt, unreadable, passes } = this.totals
    return {
      state: next === undefined ? 'idle' : 'running',
      slots: SLOTS,
      slotsChecked: next ?? (finishedMs === 0 ? 0 : SLOTS),
      startedAtMs: startedMs,
      finishedAtMs: finishedMs,
      passes,
      recordsChecked: records,
      recordsDamaged: damaged,
      slotsUnreadable: unreadable,
      slotsRebuilt: rebuilt,
    }
  }

  private look(ms: number): void {
    this.timer?.cancel()
    if (this.stopped) return
    this.timer = this.components.clock.after(ms, () => {
      if (this.working) return
      this.working = true
      this.work().then(
        () => this.rest(undefined),
        (error) => this.rest(toKvError(error)),
      )
    })
  }

  private rest(error: KvError | undefined): void {
    this.working = false
    if (error !== undefined) this.components.trace.event('warn', 'scrub.interrupted', { why: error.message })
    const urgent = error === undefined && (this.suspects.size > 0 || this.state.next !== undefined)
    this.look(urgent ? 0 : LOOK_EVERY_MS)
  }

  private async work(): Promise<void> {
    if (this.state.next === undefined && this.due()) this.begin()
    for (const slot of [...this.suspects]) {
      this.suspects.delete(slot)
      await this.check(slot, slot + 1)
    }
    while (this.state.next !== undefined && !this.stopped) {
      const end = await this.check(this.state.next, SLOTS)
      this.state = { ...this.state, next: end }
      if (end === SLOTS) await this.finish()
    }
  }

  private async check(from: number, to: number): Promise<number> {
    const { end, records, rebuilt } = await this.audit.run(from, to)
    this.totals.records += records
    this.totals.rebuilt += rebuilt.length
    if (rebuilt.length > 0) {
      this.components.trace.event('warn', 'scrub.rebuilt', { slots: rebuilt.length, first: rebuilt[0] })
      await this.save()
      this.components.onRebuilt(rebuilt)
    }
    return end
  }

  private async finish(): Promise<void> {
    this.state = { ...this.state, next: undefined, finishedMs: this.components.clock.wallMs() }
    await this.save()
    this.totals.passes++
  }

  /** By the wall clock, which goes on while the node is down; a time to come is none that has been. */
  private due(): boolean {
    const { clock } = this.components
    if (this.everyMs === 0 || clock.monotonicMs() < this.notBeforeMs) return false
    const sinceMs = clock.wallMs() - this.state.finishedMs
    return sinceMs >= this.everyMs || sinceMs < 0
  }

  private damaged(key: Key): void {
    if (this.damagedKeys.has(key)) return
    if (this.damagedKeys.size < MAX_KNOWN_DAMAGED) this.damagedKeys.add(key)
    this.totals.damaged++
    this.components.onDamage(key)
  }

  private unreadable(slot: number, error: unknown): void {
    this.totals.unreadable++
    this.components.trace.event('error', 'scrub.unreadable', { slot, why: toKvError(error).message })
  }

  /** Resolves when it is durable, and with it all that was staged before. */
  private save(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.components.commit.add(scrubOp(this.state), (error) =>
        error === undefined ? resolve() : reject(error),
      )
    })
  }
}
