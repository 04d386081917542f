import type { Counters } from '../../shared/counters.ts'
import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { slotOf } from '../../shared/slot.ts'
import { onFloor } from '../causality/floor.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { mergeRecords } from '../causality/merge.ts'
import type { KeyRecord } from '../causality/record.ts'
import type { Completeness } from '../membership/completeness.ts'
import type { Origin } from '../replica/floor-guard.ts'
import type { Floors } from '../replica/floors.ts'
import type { Replica, StoreAck, StoreReply } from '../replica/replica.ts'
import type { StagedRecords, Use } from '../replica/staged-records.ts'
import type { Reply, Rpc } from '../rpc/method.ts'
import {
  FETCH,
  type FetchRequest,
  type FetchResponse,
  STORE,
  type StoreRequest,
} from '../rpc/replica-methods.ts'
import { STORE_GROUP, type StoreGroupResponse } from '../rpc/store-group-method.ts'
import type { HintStore } from './hint-store.ts'
import type { RepairMarks } from './repair-marks.ts'

export interface HolderComponents {
  readonly data: StagedRecords
  readonly hints: HintStore
  readonly replica: Replica
  readonly floors: Floors
  readonly hybrid: HybridClock
  readonly marks: RepairMarks
  readonly counters: Counters
  readonly completeness: Pick<Completeness, 'everywhere' | 'of'>
}

const NONE = Buffer.alloc(0)

/** What a node answers to a coordinator, itself or a peer: it stores a record, and it says what it holds of a key. */
export class Holder {
  private readonly components: HolderComponents

  constructor(components: HolderComponents) {
    this.components = components
  }

  serve(rpc: Rpc): void {
    rpc.handle(STORE, (_from, record, reply) => this.storeSent(record, reply))
    rpc.handle(STORE_GROUP, (_from, { records }, reply) => this.storeAll(records, reply))
    rpc.handle(FETCH, (_from, request, reply) => {
      try {
        reply(undefined, this.fetch(request))
      } catch (error) {
        reply(toKvError(error))
      }
    })
  }

  /**
   * As data, or as a hint for the owner `hintFor`. Calls back when it is durable. Where there is no room for a hint,
   * the slot is marked for repair.
   */
  store(key: Key, hintFor: string, bytes: Buffer, origin: Origin, done: StoreReply): void {
    const { data, hints, replica, marks, counters } = this.components
    const refusal = hintFor === '' ? undefined : hints.refusal()
    if (refusal !== undefined) {
      marks.mark(slotOf(key))
      counters.add('hints_refused_total')
      return done(refusal)
    }
    replica.store(hintFor === '' ? data : hints.records(hintFor), key, bytes, origin, done)
  }

  private storeSent({ key, hintFor, bytes, fresh }: StoreRequest, done: StoreReply): void {
    this.store(key, hintFor, bytes, fresh ? 'write' : 'mend', done)
  }

  /** Each of the records as by itself: that one is refused says nothing of the others. */
  private storeAll(records: readonly StoreRequest[], reply: Reply<StoreGroupResponse>): void {
    const outcomes = new Array<StoreAck | KvError>(records.length)
    let left = records.length
    const settle = (i: number, outcome: StoreAck | KvError) => {
      outcomes[i] = outcome
      if (--left === 0) reply(undefined, { outcomes })
    }
    for (const [i, record] of records.entries()) {
      try {
        this.storeSent(record, (error, ack) => settle(i, error ?? (ack as StoreAck)))
      } catch (error) {
        settle(i, toKvError(error))
      }
    }
  }

  /**
   * What data and hints say of the key. Reader and holder tell each other the time: what has expired for one reader
   * has expired for the next, whatever the clock of the node that it asks says.
   * @throws KvError `storage_failed` where the disk cannot be trusted with it.
   */
  fetch({ key, onFloor: wanted, once, wallMs }: FetchRequest): FetchResponse {
    const { data, floors, hybrid, completeness } = this.components
    hybrid.observe({ wallMs, logical: 0 })
    let record = this.record(key, once ? 'once' : 'again')
    let floor = 0
    if (floors.count > 0) {
      const slot = slotOf(key)
      floor = floors.digest(slot)
      if (wanted) record = onFloor(record, floors.of(slot))
    }
    const nothing = record.siblings.length === 0 && record.past.size === 0
    const complete = completeness.everywhere || completeness.of(slotOf(key))
    return { bytes: nothing ? NONE : data.encode(key, record), floor, complete, wallMs: hybrid.wallMs() }
  }

  private record(key: Key, use: Use): KeyRecord {
    const { data, hints } = this.components
    let record = data.durable(key, use)
    if (hints.count === 0) return record
    for (const hint of hints.of(key)) record = mergeRecords(record, hint)
    return record
  }
}
