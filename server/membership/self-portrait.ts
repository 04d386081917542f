import type { NodeState } from '../../shared/api.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { Clock } from '../ports/clock.ts'
import type { Address, NodeId } from '../ports/network.ts'
import type { Moment } from '../rpc/moment.ts'
import type { SelfDescription } from './discovery.ts'
import type { DiskMemory } from './disk-memory.ts'
import { type FailureDetector, HEARTBEAT_INTERVAL_MS } from './failure-detector.ts'
import type { Grievance, Heartbeat, NodeReport, PeerAddress } from './heartbeat.ts'
import type { LayoutStore } from './layout-store.ts'
import { type MemberView, memberView } from './member-view.ts'
import type { Roster } from './roster.ts'

export interface PortraitComponents {
  readonly clock: Clock
  readonly hybridClock: { now(): Stamp }
  readonly layouts: LayoutStore
  readonly roster: Roster
  readonly detector: FailureDetector
  readonly disks: DiskMemory
  readonly clockTrusted: () => boolean
  readonly moment: () => Moment
}

export interface PortraitSettings {
  readonly id: NodeId
  readonly cluster: string
  readonly incarnation: string
  readonly peerAddress: Address
  readonly http: string
  readonly zone: string
  readonly weight: number
}

/** A peer out of reach is mentioned for two heartbeats more, so that a short loss is not missed by the others. */
const MENTION_MS = 2 * HEARTBEAT_INTERVAL_MS

/** What this node says of itself: in beacons, in heartbeats, and in its own list of members. */
export class SelfPortrait {
  private readonly components: PortraitComponents
  private readonly settings: PortraitSettings
  private source: (() => NodeReport) | undefined
  private report: NodeReport | undefined
  private gossip: readonly PeerAddress[] = []
  private grievances: ReadonlyMap<NodeId, Grievance> = new Map()

  constructor(components: PortraitComponents, settings: PortraitSettings) {
    this.components = components
    this.settings = settings
  }

  setReport(source: () => NodeReport): void {
    this.source = source
  }

  /** Once a round rather than for each heartbeat: the report may cost something. */
  refresh(): void {
    const { roster, detector } = this.components
    this.report = this.source?.()
    this.gossip = roster.gossip((id) => detector.reachable(id))
    this.refreshGrievances()
  }

  /** As soon as there is news of a peer. */
  refreshGrievances(): void {
    const { clock, detector, layouts } = this.components
    const now = clock.monotonicMs()
    const found = new Map<NodeId, Grievance>()
    for (const { id } of layouts.layout()?.members ?? []) {
      if (id === this.settings.id) continue
      if (detector.accuses(id, now)) found.set(id, detector.liveness(id) === 'down' ? 'down' : 'suspect')
      else if (now - detector.lastUnreachableMs(id, now) <= MENTION_MS) found.set(id, 'unreachable')
    }
    this.grievances = found
  }

  forBeacon(): SelfDescription {
    const { id, incarnation, peerAddress, http, zone, weight } = this.settings
    const layout = this.components.layouts.layout()
    const ring = { layoutVersion: layout?.version ?? 0, ringId: layout?.ringId ?? '' }
    return { id, incarnation, peer: peerAddress, http, zone, weight, ...ring }
  }

  /** Written out, for there are several a round and peer: V8 takes ten times as long to spread one together. */
  forHeartbeat(): Heartbeat {
    const { clock, hybridClock, layouts, disks, moment } = this.components
    const { cluster, incarnation, peerAddress, http, zone, weight } = this.settings
    const layout = layouts.layout()
    return {
      cluster,
      incarnation,
      address: peerAddress,
      http,
      zone,
      weight,
      layoutVersion: layout?.version ?? 0,
      ringId: layout?.ringId ?? '',
      layoutDigest: layouts.digest(),
      stamp: hybridClock.now(),
      wallMs: clock.wallMs(),
      moment: moment(),
      grievances: this.grievances,
      doubts: disks.doubts,
      gossip: this.gossip,
      ready: this.ready(),
      report: this.report,
    }
  }

  view(state: NodeState): MemberView {
    const { id, incarnation, peerAddress, http, zone } = this.settings
    const heardMs = this.components.clock.monotonicMs()
    const layoutVersion = this.components.layouts.layout()?.version ?? 0
    const ring = { id, incarnation, layoutVersion, address: peerAddress, http, zone }
    const self = { ...ring, heardMs, ready: this.ready() }
    return memberView({ ...self, report: this.source?.() }, state, true)
  }

  private ready(): boolean {
    return this.report !== undefined && this.components.clockTrusted()
  }
}
