import type { ConflictPolicy } from './causality/record.ts'
import type { Clock } from './ports/clock.ts'
import type { Address, Network, NodeId } from './ports/network.ts'
import type { Random } from './ports/random.ts'
import type { Storage } from './ports/storage.ts'
import type { Trace } from './ports/trace.ts'

/** The world, as a node sees it: real in production, seeded in simulation. */
export interface NodeComponents {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly storage: Storage
  readonly trace: Trace
}

export interface NodeSettings {
  readonly id: NodeId
  readonly cluster: string
  /** Authenticates beacons; the network adapter has it too, for links. */
  readonly secret: Buffer
  readonly zone: string
  /** Relative share of the slots in the first layout; 1 when absent. */
  readonly weight?: number
  /** Random, drawn when the data directory was made. */
  readonly incarnation: string
  /** Where peers reach this node. */
  readonly peerAddress: Address
  /** The base URL of the HTTP API, as told to clients. */
  readonly http: string
  /** Members that must be found before the first layout is made; 0 never founds a ring. */
  readonly bootstrapExpect: number
  /** Quorums and policy of the first layout. */
  readonly n: number
  readonly r: number
  readonly w: number
  readonly conflicts: ConflictPolicy
  /** A stamp further ahead than this is refused. */
  readonly maxSkewMs: number
  readonly maxValueBytes: number
  /** Deadline of a client's request where it names none. */
  readonly requestTimeoutMs: number
  readonly maxHintBytes: number
  /** A hint that is older may be given up and left to anti-entropy. */
  readonly maxHintAgeMs: number
  readonly recordCacheBytes: number
  /** See RepairSettings, which has the defaults. */
  readonly repairEveryMs?: number
  readonly repairRecordsPerSecond?: number
  readonly scrubEveryMs?: number
  /** See CollectionSettings, which has the default. */
  readonly tombstoneMinAgeMs?: number
  readonly chaos: boolean
}
