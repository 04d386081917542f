import type { KeyRecord } from '../../server/causality/record.ts'
import type { StorageOp } from '../../server/ports/storage.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import type { Observations } from './observations.ts'
import { isLayout, recordAt, slotAt } from './record-place.ts'

/** Sees all that is on its way to one disk, and tells the observations of it. */
export class DiskWatcher {
  private readonly observations: Observations
  private readonly held: (key: Key) => KeyRecord | undefined
  /** Keys whose records here have long pasts. */
  private readonly longPasts = new Set<Key>()

  /** @param components `held` is what the disk has of a key so far. */
  constructor(components: { observations: Observations; held: (key: Key) => KeyRecord | undefined }) {
    this.observations = components.observations
    this.held = components.held
  }

  /** @throws CorruptRecord for a record that is none. */
  see(op: StorageOp): void {
    const key = recordAt(op.key)
    const owned = slotAt(op.key) !== undefined
    if (op.type === 'del') {
      if (owned && key !== undefined) this.seeRemoval(key)
      return
    }
    if (isLayout(op.key)) this.observations.noteLayout(op.value)
    if (key === undefined) return
    const long = this.observations.read(key, op.value)
    if (owned) this.seePast(key, long)
  }

  private seeRemoval(key: Key): void {
    const record = this.held(key)
    if (record !== undefined) this.observations.noteRemoval(keyToText(key), record)
  }

  private seePast(key: Key, long: boolean): void {
    if (!long && this.longPasts.has(key)) {
      const record = this.held(key)
      if (record !== undefined) this.observations.noteShortening(keyToText(key), record.past)
    }
    if (long) this.longPasts.add(key)
    else this.longPasts.delete(key)
  }
}
