import type { Key } from '../../shared/key.ts'
import { isBuried, withShortPast } from '../causality/floor.ts'
import { EMPTY_RECORD } from '../causality/record.ts'
import type { Floors } from './floors.ts'
import { isImmortal, type MortalKeys } from './mortal-keys.ts'
import type { StagedRecords } from './staged-records.ts'

export interface BurialComponents {
  readonly data: StagedRecords
  readonly floors: Floors
  readonly mortal: MortalKeys
}

/** Removes from this node's data what the floors of its slots stand for: records that are dead, and long pasts. */
export class Burial {
  /** Records removed since the start of the process. */
  buried = 0
  private readonly components: BurialComponents
  private readonly due = new Set<number>()
  private working: Promise<void> | undefined
  private stopped = false

  constructor(components: BurialComponents) {
    this.components = components
  }

  /** Looks through the slots; resolves when those, and all that were due before, are done. Rejects with a KvError. */
  bury(slots: Iterable<number>): Promise<void> {
    for (const slot of slots) this.due.add(slot)
    this.working ??= this.work()
      .finally(() => {
        this.working = undefined
      })
      // What was added between the last look and now: no further call may ever come for it.
      .then(() => (this.due.size > 0 && !this.stopped ? this.bury([]) : undefined))
    return this.working
  }

  stop(): void {
    this.stopped = true
  }

  private async work(): Promise<void> {
    for (const slot of this.due) {
      if (this.stopped) return
      this.due.delete(slot)
      const { expiredMs } = this.components.floors.of(slot)
      for await (const keys of this.components.mortal.dead(slot, expiredMs)) {
        if (this.stopped) return
        for (const key of keys) this.look(slot, key)
      }
    }
  }

  private look(slot: number, key: Key): void {
    const { data, floors, mortal } = this.components
    const record = data.latest(key)
    if (isImmortal(record)) {
      if (!data.pending(key)) mortal.strike(slot, key)
      return
    }
    const floor = floors.of(slot)
    const buried = isBuried(record, floor)
    const rest = buried ? EMPTY_RECORD : withShortPast(record, floor)
    if (rest === record) return
    data.stage(key, rest, () => undefined, undefined, record)
    if (buried) this.buried++
  }
}
