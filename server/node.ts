import type {
  FaultRule,
  HintsReplayed,
  HintsStatus,
  LocateResult,
  PolicyResult,
  RemovalResult,
  RingStatus,
  TombstonesStatus,
} from '../shared/api.ts'
import { Counters } from '../shared/counters.ts'
import type { KvError } from '../shared/errors.ts'
import type { Key } from '../shared/key.ts'
import { Repair } from './anti-entropy/repair.ts'
import { SlotDigests } from './anti-entropy/slot-digests.ts'
import type { ServedNode, ServedPlacement } from './api/served-node.ts'
import { HybridClock } from './causality/hybrid-clock.ts'
import type { ConflictPolicy } from './causality/record.ts'
import { FaultRules } from './chaos/fault-rules.ts'
import { FaultyNetwork } from './chaos/faulty-network.ts'
import { Holders } from './coordinator/holders.ts'
import { KeyInspector } from './coordinator/key-inspector.ts'
import { LatencyQuantile } from './coordinator/latency.ts'
import { ReadRepair } from './coordinator/read-repair.ts'
import { RingCoordinator } from './coordinator/ring-coordinator.ts'
import { Scanner } from './coordinator/scan.ts'
import { Handoff } from './handoff/handoff.ts'
import { layoutSource } from './membership/layout-source.ts'
import { locate } from './membership/locate.ts'
import { Membership } from './membership/membership.ts'
import { ringStatus } from './membership/ring-status.ts'
import { dataRecords } from './node-records.ts'
import type { NodeComponents, NodeSettings } from './node-settings.ts'
import { nodeReport, nodeStats, type StatsSources } from './node-stats.ts'
import { RingLayout } from './paxos/ring-layout.ts'
import type { Clock, Timer } from './ports/clock.ts'
import type { Storage } from './ports/storage.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import { CENSUS_KEY, Census } from './replica/census.ts'
import { Collection } from './replica/collection.ts'
import { Floors } from './replica/floors.ts'
import { GroupCommit } from './replica/group-commit.ts'
import { Minter } from './replica/minter.ts'
import { MortalKeys } from './replica/mortal-keys.ts'
import { RecordCache } from './replica/record-cache.ts'
import { Replica } from './replica/replica.ts'
import { DataScan } from './replica/scan-data.ts'
import { WritesUnderWay } from './replica/writes-under-way.ts'
import { Deadlines } from './rpc/deadlines.ts'
import { PeerRpc } from './rpc/peer-rpc.ts'

/** Bytes that may wait for the disk before writes are refused. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024
/** How often the reserved dots and stamps, and whether this node has a say in layouts, are looked at, milliseconds. */
const ROUND_EVERY_MS = 200

/** Puts the parts together: data flows coordinator -> holders -> replica -> group commit -> storage, and back. */
export class RingNode implements ServedNode {
  readonly coordinator: RingCoordinator
  readonly repair: Repair
  readonly keys: KeyInspector
  private readonly settings: NodeSettings
  private readonly clock: Clock
  private readonly storage: Storage
  private readonly rules: FaultRules
  private readonly rpc: PeerRpc
  private readonly deadlines: Deadlines
  private readonly commit: GroupCommit
  private readonly minter: Minter
  private readonly census: Census
  private readonly floors: Floors
  private readonly mortal: MortalKeys
  private readonly collection: Collection
  private readonly handoff: Handoff
  private readonly scan: DataScan
  private readonly membership: Membership
  private readonly ringLayout: RingLayout
  private readonly sources: StatsSources
  private readonly digests = new SlotDigests()
  private readonly counters = new Counters()
  private timer: Timer | undefined
  private phase: 'starting' | 'serving' | 'stopping' = 'starting'

  constructor(components: NodeComponents, settings: NodeSettings) {
    const { clock, random, storage, trace } = components
    const { id } = settings
    this.settings = settings
    this.clock = clock
    this.storage = storage
    this.rules = new FaultRules(clock, { enabled: settings.chaos })
    const network = settings.chaos
      ? new FaultyNetwork({ ...components, rules: this.rules }, { id })
      : components.network
    const layouts = layoutSource(() => this.membership)
    const rpc = new PeerRpc({ clock, random, network, trace, layouts })
    this.rpc = rpc
    const deadlines = new Deadlines(clock)
    this.deadlines = deadlines
    const hybrid = new HybridClock(clock, settings)
    const counters = this.counters
    const membership = new Membership(
      { clock, random, network, rpc, storage, trace, hybridClock: hybrid },
      settings,
    )
    this.membership = membership
    hybrid.heed(() => membership.clockTrusted())
    const policy = () => membership.layout()?.conflicts ?? settings.conflicts

    this.census = new Census({ policy })
    const commit = new GroupCommit({ clock, storage, trace }, { maxQueuedBytes: MAX_QUEUED_BYTES })
    this.commit = commit
    commit.ride(() => [this.census.op()])
    const voting = { clock, random, rpc, storage, commit, trace, ring: membership }
    this.ringLayout = new RingLayout(voting, settings)
    const minter = new Minter({ storage, hybrid, commit, random }, settings)
    this.minter = minter
    const cache = new RecordCache({ maxBytes: settings.recordCacheBytes })
    const floors = new Floors({ storage, commit, trace })
    this.floors = floors
    const mortal = new MortalKeys({ storage, commit })
    this.mortal = mortal
    const { census, digests } = this
    const stores = { storage, trace, commit, minter, cache, census, digests, mortal, floors }
    const data = dataRecords({ ...stores, counters, repair: () => this.repair })
    const complete = (key: Key) => this.handoff.complete(key)
    const replica = new Replica({ commit, minter, hybrid, floors, trace, policy, complete })
    const own = { clock, rpc, storage, commit, minter, hybrid, trace, counters, data, replica, floors }
    this.handoff = new Handoff({ ...own, ring: membership }, settings)
    const { hints, holder, inspector, completeness } = this.handoff
    const scan = new DataScan({ storage, complete: () => completeness.everywhere })
    this.scan = scan
    const holders = new Holders({ rpc, holder, hybrid }, settings)
    const writes = new WritesUnderWay()
    const parts = {
      clock,
      random,
      rpc,
      ring: membership,
      holders,
      replica,
      data,
      hints,
      hybrid,
      deadlines,
      counters,
      writes,
      floors,
      complete,
    }
    const { marks } = this.handoff
    const { sums } = digests.leaves
    const outstanding = (slot: number) => hints.in(slot) > 0 || marks.has(slot)
    const digest = (slot: number) => sums.at(slot)
    this.collection = new Collection(
      { ...parts, trace, commit, minter, mortal, policy, outstanding, digest },
      settings,
    )
    const { burial } = this.collection
    const repairParts = {
      ...parts,
      trace,
      storage,
      commit,
      minter,
      holder,
      completeness,
      marks,
      burial,
      digests,
    }
    this.repair = new Repair(repairParts, settings)
    this.coordinator = new RingCoordinator(
      {
        ...parts,
        latency: new LatencyQuantile(),
        repair: new ReadRepair({ holders, counters }),
        scanner: new Scanner({ ring: membership, rpc, local: scan, hybrid, policy }, settings),
      },
      settings,
    )
    this.keys = new KeyInspector({ ...parts, inspector }, settings)
    const { handoff, repair, collection } = this
    this.sources = { counters, census, handoff, commit, cache, rpc, repair, collection, membership }
    // After all that goes by the owners of slots: what peers have sent meanwhile comes at once.
    membership.onLayout(() => rpc.layoutChanged())
    membership.setReport(() => nodeReport(this.sources, clock.wallMs()))
  }

  /** Recovers from storage and begins to find its peers. It serves once `readiness().ready`. */
  async start(): Promise<void> {
    this.census.recover(this.storage.get(CENSUS_KEY))
    this.ringLayout.recover()
    await this.repair.recover()
    await this.minter.recover()
    await this.floors.recover()
    await this.mortal.recover()
    await this.handoff.recover()
    this.handoff.serve()
    this.scan.serve(this.rpc)
    this.round()
    await this.membership.start()
    this.handoff.start()
    this.repair.start()
    this.collection.start()
    this.phase = 'serving'
  }

  /** Refuses new requests, finishes those under way, and keeps the clock's reading. Does not close the ports. */
  async stop(): Promise<void> {
    this.phase = 'stopping'
    await this.coordinator.drain()
    this.handoff.stop()
    this.repair.stop()
    this.collection.stop()
    this.ringLayout.stop()
    this.membership.stop()
    this.timer?.cancel()
    this.rpc.stop()
    this.deadlines.stop()
    await this.commit.idle()
    if (this.healthy()) await this.minter.close()
  }

  readiness(): Readiness {
    const { completeness } = this.handoff
    const { minter, membership, phase, storage } = this
    return readinessOf({ failure: this.failure(), storage, minter, membership, completeness, phase })
  }

  /** False where nobody knows what is on disk, or part of it is lost, or the ring has removed it: it should exit. */
  healthy(): boolean {
    return this.failure() === undefined
  }

  /** Why it is not healthy. */
  failure(): KvError | undefined {
    return this.commit.failed ?? this.storage.damage?.() ?? this.membership.layouts.expulsion()
  }

  status(): RingStatus {
    const { membership } = this
    return ringStatus(this.settings.cluster, membership.layout(), membership.slots(), membership.members())
  }

  locate(key: Key): LocateResult {
    return locate(key, this.membership)
  }

  hints(): HintsStatus {
    return this.handoff.status()
  }

  replayHints(target?: string): HintsReplayed {
    return this.handoff.replay(target)
  }

  placement(): ServedPlacement | undefined {
    const layout = this.membership.layout()
    const slots = this.membership.slots()
    return layout === undefined || slots === undefined ? undefined : { layout, slots }
  }

  changePolicy(policy: ConflictPolicy): Promise<PolicyResult> {
    return this.ringLayout.changePolicy(policy)
  }

  removeNode(id: string, force: boolean): Promise<RemovalResult> {
    return this.ringLayout.removeMember(id, force)
  }

  addFault(rule: FaultRule): void {
    this.rules.add(rule)
  }

  healFault(id?: string): number {
    return this.rules.heal(id)
  }

  faults(): readonly FaultRule[] {
    return this.rules.list()
  }

  tombstones(): TombstonesStatus {
    return this.collection.status(this.census.tombstones)
  }

  stats(): ReadonlyMap<string, number> {
    return nodeStats(this.sources)
  }

  /** Keeps dots and stamps reserved ahead, also while nobody writes, and this node's say in the next layout. */
  private round(): void {
    this.minter.extend()
    this.ringLayout.round()
    this.timer = this.clock.after(ROUND_EVERY_MS, () => this.round())
  }
}

/** What a node shows to others: everything public of RingNode. */
export type Node = Pick<RingNode, keyof RingNode>
