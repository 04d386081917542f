import type { Counters } from '../../shared/counters.ts'
import { toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import type { Replica, StoreReply } from '../replica/replica.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { Rpc } from '../rpc/method.ts'
import { FETCH, STORE } from '../rpc/replica-methods.ts'
import type { HintStore } from './hint-store.ts'
import type { RepairMarks } from './repair-marks.ts'

export interface HolderComponents {
  readonly data: StagedRecords
  readonly hints: HintStore
  readonly replica: Replica
  readonly marks: RepairMarks
  readonly counters: Counters
}

const NONE = Buffer.alloc(0)

/** What a node answers to a coordinator, itself or a peer: it stores a record, and it says what it holds of a key. */
export class Holder {
  private readonly components: HolderComponents

  constructor(components: HolderComponents) {
    this.components = components
  }

  serve(rpc: Rpc): void {
    rpc.handle(STORE, (_from, { key, hintFor, bytes }, reply) => this.store(key, hintFor, bytes, reply))
    rpc.handle(FETCH, (_from, { key }, reply) => {
      try {
        reply(undefined, { bytes: this.fetch(key) })
      } catch (error) {
        reply(toKvError(error))
      }
    })
  }

  /**
   * As data, or as a hint for the owner `hintFor`. Calls back when it is durable. Where there is no room for a hint,
   * the slot is marked for repair.
   */
  store(key: Key, hintFor: string, bytes: Buffer, done: StoreReply): void {
    const { data, hints, replica, marks, counters } = this.components
    const refusal = hintFor === '' ? undefined : hints.refusal()
    if (refusal !== undefined) {
      marks.mark(slotOf(key))
      counters.add('hints_refused_total')
      return done(refusal)
    }
    replica.store(hintFor === '' ? data : hints.records(hintFor), key, bytes, done)
  }

  /**
   * The encoded record of the key, from data and hints; empty when there is none.
   * @throws KvError `storage_failed` where the disk cannot be trusted with it.
   */
  fetch(key: Key): Buffer {
    const record = this.record(key)
    return record === EMPTY_RECORD ? NONE : encodeRecord(key, record)
  }

  private record(key: Key): KeyRecord {
    const { data, hints } = this.components
    let record = data.durable(key)
    if (hints.count === 0) return record
    for (const hint of hints.of(key)) record = mergeRecords(record, hint)
    return record
  }
}
