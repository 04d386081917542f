/** What the HTTP API answers and `kv --json` prints: the wire types that both sides share. */

import type { ErrorBody } from './errors.ts'

/** How the bytes of a key or value are written in JSON: `utf8` where they are UTF-8, else `base64`. */
export type Encoding = 'utf8' | 'base64'

export interface WriteResult {
  key: string
  /** Present, as `base64`, only where the key is not UTF-8. */
  keyEncoding?: Encoding
  version: string
  /** Durable holders that answered before the write was acknowledged; at least `w`. */
  acks: number
  w: number
  /** True where a fallback's hint counted towards `w`. */
  sloppy: boolean
  coordinator: string
}

export interface DeleteResult extends WriteResult {
  existed?: boolean
}

export interface SiblingResult {
  value: string
  encoding: Encoding
  version: string
  /** The node that wrote it. */
  node: string
  /** The wall time of its stamp, ISO 8601. */
  time: string
  /** Milliseconds until it expires; absent where it never does. */
  ttlMs?: number
}

export interface ReadResult {
  key: string
  keyEncoding?: Encoding
  value: string
  encoding: Encoding
  version: string
  /** Pass it back with a write (`X-KV-Context`, `--context-token`) to replace what was read. */
  context: string
  siblings?: SiblingResult[]
  replies: number
  r: number
  sloppy: boolean
}

/** One line of `POST /kv`. */
export interface BatchOperation {
  op: 'put' | 'get' | 'del'
  key: string
  keyEncoding?: Encoding
  value?: string
  encoding?: Encoding
  /** Milliseconds. */
  ttl?: number
  context?: string
  /** Names this write: sent again with the same id, it is applied at most once. */
  requestId?: string
  /** Which attempt at `requestId` it is, from 0. */
  attempt?: number
}

/** One line of the answer to `POST /kv`: one for each line that is not blank, in the order of the input. */
export interface BatchAnswer {
  /** Line number in the request, from 1; blank lines are counted too. */
  line: number
  /** The HTTP status that the operation would have had by itself. */
  status: number
  /** Present unless `error` is, or the write was asked for with `brief`. */
  result?: WriteResult | DeleteResult | ReadResult
  error?: ErrorBody['error']
}

/** One entry of `GET /scan` (NDJSON). */
export interface ScanEntry {
  key: string
  keyEncoding?: Encoding
  value?: string
  encoding?: Encoding
}

/**
 * The last line of `GET /scan`. A stream without it, or with `{"error":...}` in its place, is incomplete.
 */
export interface ScanEnd {
  end: true
  /** Entries before this line. */
  count: number
  /** Where to go on, present where `limit` ended the scan before the last entry. */
  cursor?: string
}

export interface CountResult {
  prefix: string
  prefixEncoding?: Encoding
  count: number
  /** Present where the time that was given has passed: more are to be counted from here on. */
  cursor?: string
}

export interface HealthResult {
  status: 'ok' | 'not_ready' | 'failed'
  id: string
  cluster: string
  ready: boolean
  /** Why the node is not ready; "" when it is. */
  reason: string
}

/** `POST /ring/policy`. */
export interface PolicyResult {
  /** What readers see of concurrent writes: the latest one, or all of them. */
  conflicts: 'lww' | 'siblings'
  layoutVersion: number
  /** False where the policy was this one already. */
  changed: boolean
  /** Members that are not known to go by it yet: they were out of reach. */
  waitingFor: string[]
}

/** `POST /ring/remove?node=`: what became of a node that was taken out for good. */
export interface RemovalResult {
  removed: string
  layoutVersion: number
  /** False where it had been removed already. */
  changed: boolean
  /** Members that are not known to go by the layout without it yet: they were out of reach. */
  waitingFor: string[]
}

/** `GET /ring/layout`: enough for a client to send each key straight to one of its owners. */
export interface LayoutResult {
  version: number
  cluster: string
  ringId: string
  n: number
  r: number
  w: number
  conflicts: 'lww' | 'siblings'
  slots: number
  members: { id: string; zone: string; weight: number; http: string }[]
  /** Ids of the nodes that were taken out of the ring, in the order in which that happened. */
  former: string[]
  /**
   * Base64 of `slots` rows of `width` unsigned 16-bit big-endian numbers: the owners of slot 0, of slot 1
   * and so on, first owner first, each an index into `members`; 65535 where there are fewer owners.
   */
  owners: string
  width: number
}

export type NodeState = 'up' | 'suspect' | 'down' | 'joining' | 'leaving'

export interface NodeStatus {
  id: string
  state: NodeState
  http: string
  zone: string
  /** Fraction of all slots for which the node is one of the N owners, from 0 to 1. */
  ownership: number
  keys: number
  bytes: number
  hintsHeld: number
  /** Slots of which it knows that another owner holds something else; they are being mended. */
  divergentSlots: number
  /** Slots that it owns, and has to be given what there is of them first: it counts in no read of them. */
  unfilledSlots: number
  incarnation: string
}

export interface RingStatus {
  cluster: string
  layoutVersion: number
  n: number
  r: number
  w: number
  /** What readers see of concurrent writes: the latest one, or all of them. */
  conflicts: 'lww' | 'siblings'
  health: 'ok' | 'degraded' | 'critical'
  /** One line for people: what is wrong and on which node; "" when nothing is. */
  reason: string
  slots: number
  slotsBelowN: number
  slotsWithoutQuorum: number
  nodes: NodeStatus[]
}

export interface LocateResult {
  key: string
  slot: number
  preferenceList: { id: string; role: 'owner' | 'fallback'; state: NodeState }[]
}

export interface HintsStatus {
  hints: { holder: string; target: string; count: number; bytes: number; oldestMs: number }[]
  /** Slots that wait for anti-entropy, because a hint for them was refused, given up or lost. */
  markedSlots: number
}

/** `POST /hints/replay` */
export interface HintsReplayed {
  /** `sending` is false where the owner is out of reach. */
  hints: { holder: string; target: string; count: number; sending: boolean }[]
}

/** `GET /repair`: how far one node is with comparing its data with that of its peers. */
export interface RepairStatus {
  node: string
  state: 'running' | 'paused' | 'idle'
  /** In which every peer that owns a slot together with the node has been compared with it. */
  rounds: number
  /** How long the last of them took; 0 before the first. */
  lastRoundMs: number
  /** Slots in which some peer is known to hold something else, and which are not mended yet. */
  divergentSlots: number
  peers: RepairPeer[]
}

export interface RepairPeer {
  id: string
  /** Wall-clock milliseconds; 0 before the first comparison since the node was started. */
  comparedAtMs: number
  /** In the last comparison. */
  slotsDiffering: number
  /** Of those, not mended yet. */
  slotsOutstanding: number
  /** Since the node was started, as is `bytesExchanged`. */
  keysRepaired: number
  bytesExchanged: number
  /** Why the last exchange was cut off; '' where it was not. */
  error: string
}

/** `GET /tombstones`: what waits to be collected on one node. */
export interface TombstonesStatus {
  readonly node: string
  /** Keys of which only tombstones are left. */
  readonly tombstones: number
  /** Keys whose values expire, or have expired. */
  readonly expiring: number
  /** Records removed since the process was started. */
  readonly collected: number
  /** Slots whose owners have settled what was deleted. */
  readonly slotsSettled: number
  /** Slots that this node looked at last and had to leave: something waits for them, or their owners differ. */
  readonly slotsHeldUp: number
  /** Why nothing is collected now; '' where nothing is known against it. */
  readonly waitingFor: string
}

/** `GET /scrub`: the check of all records and digests of one node. */
export interface ScrubStatus {
  node: string
  state: 'running' | 'idle'
  slots: number
  /** Of the pass that is under way, or of the last one. */
  slotsChecked: number
  /** Wall-clock milliseconds; 0 for never. */
  startedAtMs: number
  finishedAtMs: number
  /** Since the node was started, as are all that follow. */
  passes: number
  recordsChecked: number
  /** Records that failed their checksum: they are fetched again from the peers. */
  recordsDamaged: number
  slotsUnreadable: number
  /** Digests that did not match the records, and were put right. */
  slotsRebuilt: number
}

/** A fault as `kv chaos` gives it to every node; the nodes act on their own part of it. */
export interface FaultRule {
  id: string
  kind: 'partition' | 'link'
  /** partition: the groups that are cut off; one group is cut off from every node outside it. */
  groups?: string[][]
  /** partition: only messages from the first group outwards are lost. */
  oneWay?: boolean
  /** link: the direction it concerns. */
  from?: string
  to?: string
  /** Added delay, milliseconds. */
  latencyMs?: number
  jitterMs?: number
  /** Probabilities, from 0 to 1. */
  loss?: number
  duplicate?: number
  reorder?: number
  /** Wall-clock milliseconds at which it heals by itself. */
  untilMs: number
}

export interface FaultStatus {
  faults: { id: string; kind: string; nodes: string[]; until: string }[]
}
