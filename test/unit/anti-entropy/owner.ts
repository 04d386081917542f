import { Repair } from '../../../server/anti-entropy/repair.ts'
import { SlotDigests } from '../../../server/anti-entropy/slot-digests.ts'
import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import type { KeyRecord } from '../../../server/causality/record.ts'
import type { HintStore } from '../../../server/handoff/hint-store.ts'
import { Holder } from '../../../server/handoff/holder.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import type { Clock } from '../../../server/ports/clock.ts'
import type { NodeId } from '../../../server/ports/network.ts'
import type { Random } from '../../../server/ports/random.ts'
import type { Storage } from '../../../server/ports/storage.ts'
import { Burial } from '../../../server/replica/burial.ts'
import { dataAddress } from '../../../server/replica/data-address.ts'
import { Floors } from '../../../server/replica/floors.ts'
import { GroupCommit } from '../../../server/replica/group-commit.ts'
import type { Minter } from '../../../server/replica/minter.ts'
import { MortalKeys } from '../../../server/replica/mortal-keys.ts'
import { RecordCache } from '../../../server/replica/record-cache.ts'
import { Replica } from '../../../server/replica/replica.ts'
import { StagedRecords } from '../../../server/replica/staged-records.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import type { Rpc } from '../../../server/rpc/method.ts'
import { Counters } from '../../../shared/counters.ts'
import type { Key } from '../../../shared/key.ts'
import { slotOf } from '../../../shared/slot.ts'
import { readyClock } from '../ready-clock.ts'
import { silentTrace } from '../silent-trace.ts'

const members = ['a', 'b'].map((id) => ({ id, zone: 'z', weight: 1 }))
const TABLE = SlotTable.build(members, 2)

export interface OwnerSettings {
  readonly repairEveryMs?: number
  readonly repairRecordsPerSecond?: number
  readonly scrubEveryMs?: number
  readonly cacheBytes?: number
}

/** One of the two owners `a` and `b` of every slot: all that a node has between its storage and its peers. */
export class Owner {
  readonly id: NodeId
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly data: StagedRecords
  readonly repair: Repair
  readonly digests = new SlotDigests()
  readonly floors: Floors
  readonly mortal: MortalKeys
  readonly counters = new Counters()
  /** Peers that this node's disk has been compared with. */
  readonly compared: NodeId[] = []
  /** Nodes that keep hints for an owner. */
  readonly hintHolders = new Map<NodeId, readonly NodeId[]>()
  /** Keys that were found damaged. */
  readonly damaged: Key[] = []
  private readonly replica: Replica

  constructor(
    components: { clock: Clock; random: Random; storage: Storage; rpc: Rpc },
    id: NodeId,
    settings: OwnerSettings = {},
  ) {
    const { clock, random, storage, rpc } = components
    this.id = id
    this.storage = storage
    const commit = new GroupCommit(
      { clock: readyClock, storage, trace: silentTrace },
      { maxQueuedBytes: 64 << 20 },
    )
    this.commit = commit
    const mortal = new MortalKeys({ storage, commit })
    this.mortal = mortal
    this.floors = new Floors({ storage, commit, trace: silentTrace })
    const cache = new RecordCache({ maxBytes: settings.cacheBytes ?? 0 })
    this.data = new StagedRecords(
      {
        storage,
        commit,
        cache,
        onStage: (key, before, after, encoded) => {
          this.digests.replace(key, before, encoded)
          mortal.replace(slotOf(key), key, before, after)
        },
        onCorrupt: (key) => {
          this.damaged.push(key)
          this.repair.suspect(key)
        },
      },
      dataAddress,
    )
    const hybrid = new HybridClock(clock, { maxSkewMs: 60_000 })
    const minter = { forgetRecord: () => undefined } as unknown as Minter
    const { floors } = this
    this.replica = new Replica({
      commit,
      minter,
      hybrid,
      floors,
      trace: silentTrace,
      policy: () => 'siblings',
      complete: () => true,
    })
    const hints = { count: 0, of: () => [], refusal: () => undefined } as unknown as HintStore
    const marks = { mark: () => undefined, marked: () => [], clear: () => undefined }
    const { counters } = this
    const completeness = {
      everywhere: true,
      of: () => true,
      lacking: () => [],
      comparedWith: (peer: NodeId) => void this.compared.push(peer),
      doubts: 0,
      doubt: () => ({ type: 'del' as const, key: Buffer.from('mcomplete') }),
    }
    const holder = new Holder({
      data: this.data,
      hints,
      replica: this.replica,
      floors,
      hybrid,
      marks,
      counters,
      completeness,
    })
    holder.serve(rpc)
    const burial = new Burial({ data: this.data, floors, mortal })
    const ring = {
      layout: () => ({ version: 1 }) as Layout,
      slots: () => TABLE,
      reachable: () => true,
      hintHolders: (owner: NodeId) => this.hintHolders.get(owner) ?? [],
      mayHoldHintsElsewhere: () => false,
      onReachable: () => undefined,
      onLayout: () => undefined,
      disks: { onDoubt: () => undefined },
      layouts: {
        forgetPromises: () => {
          throw new Error('nobody doubts the disk')
        },
      },
    }
    this.repair = new Repair(
      {
        ...{ clock, random, rpc, storage, commit, minter, holder, ring, trace: silentTrace },
        ...{ data: this.data, digests: this.digests, counters, marks, floors, hybrid, burial, completeness },
      },
      { id, repairEveryMs: 60_000, scrubEveryMs: 0, ...settings },
    )
  }

  /** Merges the record in, as if a coordinator had sent it. */
  store(key: Key, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.replica.store(this.data, key, bytes, 'write', (error) =>
        error === undefined ? resolve() : reject(error),
      )
    })
  }

  /** Puts it in the place of what is there. */
  replace(key: Key, record: KeyRecord): Promise<void> {
    return new Promise((resolve, reject) => {
      this.data.stage(key, record, (error) => (error === undefined ? resolve() : reject(error)))
    })
  }
}
