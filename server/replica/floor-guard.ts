import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { afterBurial, isBuried, revives, withoutBuried } from '../causality/floor.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { joinVectors } from '../causality/version-vector.ts'
import type { Floors } from './floors.ts'

/**
 * Why a record is sent: by the write's coordinator, to mend what an owner has missed, or because this node has asked
 * another owner for what it holds, its floor included.
 */
export type Origin = 'write' | 'mend' | 'owner'

/** Keeps what has been collected from coming back with what is sent or written later. */
export class FloorGuard {
  private readonly floors: Floors

  constructor(floors: Floors) {
    this.floors = floors
  }

  /** With what the slot's floor leaves of both: no value that was deleted here, and nothing that was collected. */
  merged(key: Key, latest: KeyRecord, incoming: KeyRecord): KeyRecord {
    const { floors } = this
    if (!floors.guarding) return latest === EMPTY_RECORD ? incoming : mergeRecords(latest, incoming)
    const floor = floors.of(slotOf(key))
    const news = withoutBuried(incoming, latest, floor)
    if (latest === EMPTY_RECORD) return isBuried(news, floor) ? EMPTY_RECORD : news
    const merged = mergeRecords(this.rest(key, latest), news)
    // There is nothing newer in it: it is left to be buried as it is.
    return merged.siblings.length === 0 ? mergeRecords(latest, news) : merged
  }

  /** What is left of a record when something newer comes. */
  rest(key: Key, latest: KeyRecord): KeyRecord {
    const { floors } = this
    if (!floors.guarding) return latest
    const slot = slotOf(key)
    return afterBurial(afterBurial(latest, floors.of(slot)), floors.adopting(slot))
  }

  /** Why a record that brings back what has been settled, or is being settled, must not be taken. */
  late(key: Key, incoming: KeyRecord, latest: KeyRecord, origin: Origin): KvError | undefined {
    const { floors } = this
    if (origin === 'owner' || !floors.guarding) return undefined
    const slot = slotOf(key)
    if (origin === 'mend') {
      if (!revives(incoming, latest, floors.adopting(slot).vector)) return undefined
      return new KvError(
        'overloaded',
        'the slot is being compared with an owner that knows more',
        'try again',
      )
    }
    const settled = joinVectors(
      joinVectors(floors.promised(slot), floors.of(slot).vector),
      floors.adopting(slot).vector,
    )
    if (!revives(incoming, latest, settled)) return undefined
    return new KvError('outcome_unknown', 'the write came too late: what became of it has been settled')
  }
}
