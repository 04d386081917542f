import type { NodeState } from '../../shared/api.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { Clock } from '../ports/clock.ts'
import type { Address, Network, NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import { SlotTable } from '../ring/slot-table.ts'
import type { Rpc } from '../rpc/method.ts'
import { Bootstrap, type BootstrapSettings } from './bootstrap.ts'
import { ClockSkew } from './clock-skew.ts'
import { Discovery } from './discovery.ts'
import { DiskMemory } from './disk-memory.ts'
import { FailureDetector, type Liveness } from './failure-detector.ts'
import type { Heartbeat, NodeReport } from './heartbeat.ts'
import { HeartbeatLoop } from './heartbeat-loop.ts'
import { HintVisibility } from './hint-visibility.ts'
import { compareIds, type Layout } from './layout.ts'
import { LayoutFetch } from './layout-fetch.ts'
import { LayoutStore } from './layout-store.ts'
import { type MemberView, memberView } from './member-view.ts'
import { Moments } from './moments.ts'
import { OccasionalReports } from './occasional.ts'
import { Roster } from './roster.ts'
import { SelfPortrait } from './self-portrait.ts'

export interface MembershipComponents {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly rpc: Rpc
  readonly storage: Storage
  readonly trace: Trace
  readonly hybridClock: { now(): Stamp; observe(stamp: Stamp): boolean }
  /** SlotTable.build when absent; nodes in one process may share what it builds. */
  readonly place?: ((layout: Layout) => SlotTable) | undefined
}

export interface MembershipSettings extends Omit<BootstrapSettings, 'weight'> {
  /** Authenticates beacons; empty: no beacons. */
  readonly secret: Buffer
  readonly peerAddress: Address
  readonly http: string
  readonly maxSkewMs: number
  /** Relative share of the slots in the first layout; 1 when absent. */
  readonly weight?: number
}

/** News may go out between two rounds, but not more often than this. */
const NEWS_INTERVAL_MS = 50

/** Who belongs to the ring, who of them can be reached, and what they hold. */
export class Membership {
  readonly moments: Moments
  readonly disks: DiskMemory
  readonly layouts: LayoutStore
  readonly fetch: LayoutFetch
  private readonly components: MembershipComponents
  private readonly settings: MembershipSettings & { readonly weight: number }
  private readonly roster: Roster
  private readonly detector: FailureDetector
  private readonly hints = new HintVisibility()
  private readonly skew: ClockSkew
  private readonly portrait: SelfPortrait
  private readonly discovery: Discovery
  private readonly heartbeats: HeartbeatLoop
  private readonly bootstrap: Bootstrap
  private readonly reports: OccasionalReports
  private readonly layoutListeners: ((layout: Layout) => void)[] = []
  private readonly reachableListeners: ((id: NodeId) => void)[] = []
  private memberIds: ReadonlySet<NodeId> = new Set()
  private running = false
  private newsMs = Number.NEGATIVE_INFINITY

  constructor(components: MembershipComponents, settings: MembershipSettings) {
    const { clock, network, rpc, trace } = components
    this.components = components
    this.settings = { ...settings, weight: settings.weight ?? 1 }
    this.reports = new OccasionalReports(components)
    this.disks = new DiskMemory(components, settings)
    const place = components.place ?? ((layout) => SlotTable.build(layout.members, layout.n, layout.former))
    this.layouts = new LayoutStore({ ...components, place }, settings)
    this.layouts.onLayout((layout) => this.follow(layout))
    this.detector = new FailureDetector((id, liveness, reachable) => this.changed(id, liveness, reachable))
    this.skew = new ClockSkew({ self: settings.id, maxSkewMs: settings.maxSkewMs })
    const { layouts } = this
    this.roster = new Roster(
      {
        ...components,
        layouts,
        onKnown: (id) => this.watch(id),
        onForgotten: (id) => {
          this.detector.unwatch(id)
          this.skew.forget(id)
        },
      },
      settings,
    )
    this.moments = new Moments({ ...components, peer: (id) => this.roster.get(id) })
    const { roster, detector, disks } = this
    const clockTrusted = () => this.clockTrusted()
    const moment = () => this.moments.now()
    this.portrait = new SelfPortrait(
      { ...components, layouts, roster, detector, disks, clockTrusted, moment },
      this.settings,
    )
    this.discovery = new Discovery(
      {
        ...components,
        describe: () => this.portrait.forBeacon(),
        onBeacon: (beacon, address) => this.roster.hearBeacon(beacon, address),
      },
      settings,
    )
    const founders = this.roster.founders((id) => this.reachable(id))
    this.bootstrap = new Bootstrap({ ...components, layouts, founders }, this.settings)
    this.fetch = new LayoutFetch({ rpc, trace, layouts }, settings)
    this.heartbeats = new HeartbeatLoop({
      clock,
      network,
      rpc,
      onRound: () => this.round(),
      targets: () => this.roster.ids(),
      compose: () => this.portrait.forHeartbeat(),
      accept: (from, beat, askedMs) => this.accept(from, beat, askedMs),
      onAnswer: (from, beat, roundTripMs) => this.answered(from, beat, roundTripMs),
      onRefusal: (peer, { message }) => this.detector.refused(peer, message, clock.monotonicMs()),
    })
    network.onLink((peer, state) => {
      if (this.running) this.linkChanged(peer, state === 'connected')
    })
  }

  /**
   * Recovers the layout and the peers' addresses, and begins to look for the peers. The hybrid clock must have
   * been recovered before.
   * @throws KvError where the stored layout is unreadable or another cluster's.
   */
  async start(): Promise<void> {
    this.layouts.load()
    this.disks.load()
    this.running = true
    const layout = this.layouts.layout()
    if (layout !== undefined) this.follow(layout)
    this.roster.start()
    this.bootstrap.start()
    this.heartbeats.start()
    this.discovery.start()
  }

  stop(): void {
    this.running = false
    this.discovery.stop()
    this.heartbeats.stop()
    this.bootstrap.stop()
  }

  layout(): Layout | undefined {
    return this.layouts.layout()
  }

  slots(): SlotTable | undefined {
    return this.layouts.slots()
  }

  /** When a layout takes effect: the one recovered by `start`, and each new one once it is durable. */
  onLayout(fn: (layout: Layout) => void): void {
    this.layoutListeners.push(fn)
  }

  /** When a peer becomes reachable, for the first time or again. */
  onReachable(fn: (id: NodeId) => void): void {
    this.reachableListeners.push(fn)
  }

  /** What this node tells its peers of itself, asked once a round; until it is set, they know nothing of it. */
  setReport(source: () => NodeReport): void {
    this.portrait.setReport(source)
  }

  /** Worth a request now: linked, answering, and up. True for this node itself. */
  reachable(id: NodeId): boolean {
    if (id === this.settings.id) return true
    return this.detector.reachable(id) && this.components.network.connected(id)
  }

  state(id: NodeId): NodeState {
    if (!this.memberIds.has(id)) {
      const known = id === this.settings.id || this.roster.get(id) !== undefined
      return known ? 'joining' : 'down'
    }
    return id === this.settings.id ? 'up' : (this.detector.liveness(id) ?? 'down')
  }

  /** Members of the layout, then the nodes that were found and are none; in id order, this node included. */
  members(): readonly MemberView[] {
    const views = [this.portrait.view(this.state(this.settings.id))]
    for (const peer of this.roster.peers()) {
      views.push(memberView(peer, this.state(peer.id), this.reachable(peer.id)))
    }
    const joining = (view: MemberView) => (this.memberIds.has(view.id) ? 0 : 1)
    return views.sort((a, b) => joining(a) - joining(b) || compareIds(a.id, b.id))
  }

  /** This node's wall clock is near the ring's, as a majority of the members has confirmed since it last jumped. */
  clockTrusted(): boolean {
    const { clock } = this.components
    return this.skew.trusted(clock.wallMs(), clock.monotonicMs())
  }

  /** Why most of the peers will not have this node, or it them; undefined where they will. */
  refusal(): string | undefined {
    return this.detector.refusal()
  }

  /** Hints for the owner may lie where this node cannot see them: errs on the side of true. */
  mayHoldHintsElsewhere(owner: NodeId): boolean {
    return this.hints.mayBeElsewhere(owner, this.components.clock.monotonicMs())
  }

  /** The other members within reach that said last that they hold hints for the owner. */
  hintHolders(owner: NodeId): readonly NodeId[] {
    return this.hints.holders(owner)
  }

  private round(): void {
    const { clock, trace } = this.components
    const now = clock.monotonicMs()
    const stalledMs = this.detector.tick(now)
    if (stalledMs > 0) trace.event('warn', 'node.stalled', { ms: Math.round(stalledMs) })
    const jumpMs = this.skew.round(clock.wallMs(), now)
    if (jumpMs !== 0) trace.event('warn', 'clock.jumped', { ms: Math.round(jumpMs) })
    this.roster.round()
    this.disks.round(now)
    this.portrait.refresh()
    this.bootstrap.tick()
  }

  private accept(from: NodeId, beat: Heartbeat, askedMs: number | undefined): void {
    if (!this.roster.take(from, beat)) return
    const now = this.components.clock.monotonicMs()
    if (!this.components.hybridClock.observe(beat.stamp)) {
      const aheadMs = beat.stamp.wallMs - this.components.clock.wallMs()
      this.reports.report('warn', 'clock.refused', from, { peer: from, aheadMs }, now)
    }
    this.disks.take(from, beat)
    const accused: NodeId[] = []
    for (const [id, grievance] of beat.grievances) if (grievance !== 'unreachable') accused.push(id)
    this.detector.accused(from, accused, now)
    this.hints.heard(from, beat.grievances, beat.report?.hintsFor, now, askedMs)
    this.fetch.consider(from, beat.layoutVersion, beat.layoutDigest)
  }

  private answered(from: NodeId, beat: Heartbeat, roundTripMs: number): void {
    const { clock } = this.components
    const now = clock.monotonicMs()
    this.skew.sample(from, beat.wallMs, roundTripMs, clock.wallMs(), now)
    this.detector.answered(from, now)
  }

  private linkChanged(peer: NodeId, connected: boolean): void {
    const now = this.components.clock.monotonicMs()
    if (!connected) return this.detector.unlinked(peer, now)
    this.detector.linked(peer, now)
    this.heartbeats.beat(peer)
  }

  private changed(id: NodeId, liveness: Liveness, reachable: boolean): void {
    const now = this.components.clock.monotonicMs()
    this.components.trace.event('info', 'member.changed', { peer: id, state: liveness, reachable })
    this.hints.setReachable(id, reachable, now)
    this.portrait.refreshGrievances()
    if (reachable) for (const listener of this.reachableListeners) listener(id)
    else if (now - this.newsMs >= NEWS_INTERVAL_MS) {
      this.newsMs = now
      this.heartbeats.beatAll()
    }
  }

  private follow(layout: Layout): void {
    const now = this.components.clock.monotonicMs()
    const ids = layout.members.map(({ id }) => id)
    const others = ids.filter((id) => id !== this.settings.id)
    this.memberIds = new Set(ids)
    this.roster.welcomeMembers()
    this.skew.setMembers(ids)
    this.hints.setMembers(others, now)
    for (const id of others) this.hints.setReachable(id, this.detector.reachable(id), now)
    for (const listener of this.layoutListeners) listener(layout)
    // Whoever hears of the layout here hears with it which slots this node has to be given.
    this.portrait.refresh()
    this.heartbeats.beatAll()
  }

  private watch(id: NodeId): void {
    const now = this.components.clock.monotonicMs()
    this.detector.watch(id, now)
    if (this.components.network.connected(id)) this.linkChanged(id, true)
  }
}
