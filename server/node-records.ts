import type { Counters } from '../shared/counters.ts'
import { type Key, keyToText } from '../shared/key.ts'
import { slotOf } from '../shared/slot.ts'
import type { Repair } from './anti-entropy/repair.ts'
import type { SlotDigests } from './anti-entropy/slot-digests.ts'
import type { Storage } from './ports/storage.ts'
import type { Trace } from './ports/trace.ts'
import type { Census } from './replica/census.ts'
import { dataAddress } from './replica/data-address.ts'
import type { Floors } from './replica/floors.ts'
import type { GroupCommit } from './replica/group-commit.ts'
import type { Minter } from './replica/minter.ts'
import type { MortalKeys } from './replica/mortal-keys.ts'
import type { RecordCache } from './replica/record-cache.ts'
import { StagedRecords, type StagedRecordsComponents } from './replica/staged-records.ts'

export interface DataRecordsComponents {
  readonly storage: Storage
  readonly trace: Trace
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly cache: RecordCache
  readonly census: Census
  readonly digests: SlotDigests
  readonly mortal: MortalKeys
  readonly floors: Floors
  readonly counters: Counters
  /** It comes later: it mends what is read here. */
  readonly repair: () => Repair
}

/** A node's own records, and all that has to know of each change of them, and of each that cannot be read any more. */
export function dataRecords(components: DataRecordsComponents): StagedRecords {
  const { trace, minter, floors, census, digests, mortal, counters, repair } = components
  const onCorrupt = (key: Key, why: string) => {
    trace.event('error', 'record.corrupt', { key: keyToText(key), why })
    counters.add('corrupt_records_total')
    minter.forgetRecord()
    floors.forget(slotOf(key))
    census.spoilt(key)
    repair().suspect(key)
  }
  const onStage: StagedRecordsComponents['onStage'] = (key, before, after, encoded) => {
    census.replace(key, before, after)
    digests.replace(key, before, encoded)
    mortal.replace(slotOf(key), key, before, after)
  }
  return new StagedRecords({ ...components, onStage, onCorrupt }, dataAddress)
}
