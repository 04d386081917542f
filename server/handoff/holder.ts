import type { Counters } from '../../shared/counters.ts'
import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { mergeRecords } from '../causality/merge.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import type { Replica, StoreAck, StoreReply } from '../replica/replica.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import { FETCH, STORE, type StoreRequest } from '../rpc/replica-methods.ts'
import { STORE_GROUP, type StoreGroupResponse } from '../rpc/store-group-method.ts'
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
    rpc.handle(STORE_GROUP, (_from, { records }, reply) => this.storeAll(records, reply))
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

  /** Each of the records as by itself: that one is refused says nothing of the others. */
  private storeAll(records: readonly StoreRequest[], reply: Reply<StoreGroupResponse>): void {
    const outcomes = new Array<StoreAck | KvError>(records.length)
    let left = records.length
    const settle = (i: number, outcome: StoreAck | KvError) => {
      outcomes[i] = outcome
      if (--left === 0) reply(undefined, { outcomes })
    }
    for (const [i, { key, hintFor, bytes }] of records.entries()) {
      try {
        this.store(key, hintFor, bytes, (error, ack) => settle(i, error ?? (ack as StoreAck)))
      } catch (error) {
        settle(i, toKvError(error))
      }
    }
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
