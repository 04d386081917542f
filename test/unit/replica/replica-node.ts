import { CryptoRandom } from '../../../server/adapters/crypto-random.ts'
import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import type { ConflictPolicy, KeyRecord } from '../../../server/causality/record.ts'
import { decodeRecord } from '../../../server/causality/record-codec.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { Floors } from '../../../server/replica/floors.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import { Minter } from '../../../server/replica/minter.ts'
import { Replica, type Write, type Written } from '../../../server/replica/replica.ts'
import { StagedRecords } from '../../../server/replica/staged-records.ts'
import type { KvError } from '../../../shared/errors.ts'
import { keyFromText } from '../../../shared/key.ts'
import { ManualClock } from '../manual-clock.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'
import { ManualStorage, settle } from './manual-storage.ts'

export const KEY = keyFromText('k')

/** All that one holder needs to apply and merge writes, with a disk that lands them when it is told to. */
export async function startNode(id: string, conflicts: ConflictPolicy = 'lww') {
  const storage = new ManualStorage()
  const clock = new ManualClock()
  const hybrid = new HybridClock(clock, { maxSkewMs: 60_000 })
  const commit = new GroupCommit({ clock: readyClock, storage, trace: silentTrace }, { maxQueuedBytes: 1e8 })
  const minter = new Minter({ storage, hybrid, commit, random: new CryptoRandom() }, { id })
  const recovered = minter.recover()
  await storage.land()
  await recovered
  const floors = new Floors({ storage, commit, trace: silentTrace })
  const replica = new Replica({
    commit,
    minter,
    hybrid,
    floors,
    trace: silentTrace,
    policy: () => conflicts,
    complete: () => true,
  })
  const data = new StagedRecords({ storage, commit, onCorrupt: () => undefined }, dataAddress)
  const write = (
    value: string,
    more: Partial<Write> = {},
    done: (error: KvError | undefined) => void = () => undefined,
  ): Written => {
    const fields = { ttlMs: 0, context: undefined, request: 'q', attempt: 0, ...more }
    return replica.write(data, 'owner', KEY, { value: Buffer.from(value), ...fields }, done)
  }
  const flush = async () => {
    await settle()
    while (storage.flights.length > 0) await storage.land()
  }
  return { clock, storage, replica, data, floors, write, flush, record: () => data.latest(KEY) }
}

export const values = (record: KeyRecord) => record.siblings.map(({ value }) => value?.toString())
export const decoded = (written: Written) => decodeRecord(KEY, written.bytes)
