import type { Clock, Timer } from '../ports/clock.ts'
import type { Address, Network } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Trace, TraceFields } from '../ports/trace.ts'
import { type Beacon, BeaconCodec } from './beacon.ts'
import { OccasionalReports } from './occasional.ts'
import { ReplayGuard } from './replay-guard.ts'

/** Between two beacons while the node has no layout: its peers are still to be found. */
export const SEARCH_INTERVAL_MS = 500

/** Between two beacons of a member: heartbeats carry the rest, beacons only greet who is new. */
export const SETTLED_INTERVAL_MS = 5000

/** Spread over the interval, so that nodes started together do not send together for ever. */
const JITTER_MS = 100

const ANY_HOST: ReadonlySet<string> = new Set(['', '0.0.0.0', '::'])

/** The node listens on every interface and cannot name one: its peers see where its datagrams come from. */
export function isWildcard({ host }: Address): boolean {
  return ANY_HOST.has(host)
}

/** All of a beacon that does not change with each of them. */
export type SelfDescription = Omit<Beacon, 'cluster' | 'wallMs' | 'sequence'>

export interface DiscoveryComponents {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly trace: Trace
  readonly describe: () => SelfDescription
  /** A beacon that is genuine, fresh, of the cluster and not this node's own, and where its sender listens. */
  readonly onBeacon: (beacon: Beacon, peer: Address) => void
}

export interface DiscoverySettings {
  readonly cluster: string
  /** Empty: no beacon is sent and none believed. */
  readonly secret: Buffer
  readonly maxSkewMs: number
}

/** Sends this node's beacons and hears those of others. Nothing that arrives is ever answered to its sender. */
export class Discovery {
  private readonly components: DiscoveryComponents
  private readonly settings: DiscoverySettings
  private readonly codec: BeaconCodec
  private readonly guard: ReplayGuard
  private readonly reports: OccasionalReports
  private timer: Timer | undefined
  private running = false
  private sequence = 0
  private sentMs = Number.NEGATIVE_INFINITY

  constructor(components: DiscoveryComponents, settings: DiscoverySettings) {
    this.components = components
    this.settings = settings
    this.codec = new BeaconCodec(settings)
    this.guard = new ReplayGuard(settings)
    this.reports = new OccasionalReports(components)
    components.network.onDatagram((datagram, from) => {
      if (this.running) this.hear(datagram, from)
    })
  }

  /** @throws KvError `usage` when this node's beacon would be too long. */
  start(): void {
    if (this.settings.secret.length === 0) return
    this.encode()
    this.running = true
    this.send()
  }

  stop(): void {
    this.running = false
    this.timer?.cancel()
  }

  private send(): void {
    const { clock, random, network } = this.components
    network.broadcast(this.encode())
    this.sentMs = clock.monotonicMs()
    const settled = this.components.describe().layoutVersion > 0
    const interval = settled ? SETTLED_INTERVAL_MS : SEARCH_INTERVAL_MS
    this.timer?.cancel()
    this.timer = clock.after(interval + random.below(JITTER_MS), () => this.send())
  }

  private encode(): Buffer {
    const { clock, describe } = this.components
    const { cluster } = this.settings
    return this.codec.encode({ ...describe(), cluster, wallMs: clock.wallMs(), sequence: this.sequence++ })
  }

  private hear(datagram: Buffer, from: Address): void {
    const verdict = this.codec.decode(datagram)
    if (verdict === 'elsewhere') return
    if (verdict === 'forged' || verdict === 'malformed') {
      const why = verdict === 'forged' ? 'signed with another secret' : 'genuine, but in an unknown form'
      return this.report('warn', 'beacon.refused', verdict, { from: `${from.host}:${from.port}`, why })
    }
    if (this.isEcho(verdict)) return
    const admission = this.guard.admit(verdict, this.components.clock.wallMs())
    if (admission === 'replayed') return
    if (admission === 'skewed') {
      const aheadMs = verdict.wallMs - this.components.clock.wallMs()
      return this.report('warn', 'beacon.skewed', verdict.id, { peer: verdict.id, aheadMs })
    }
    if (verdict.id === this.components.describe().id) {
      const also = `${verdict.peer.host}:${verdict.peer.port}`
      return this.report('error', 'identity.duplicate', also, { peer: verdict.id, also })
    }
    const host = isWildcard(verdict.peer) ? from.host : verdict.peer.host
    this.components.onBeacon(verdict, { host, port: verdict.peer.port })
    if (verdict.layoutVersion === 0) this.greet()
  }

  /** A member tells a node that searches at once that there is a ring, at most once a search interval. */
  private greet(): void {
    const silentMs = this.components.clock.monotonicMs() - this.sentMs
    if (this.components.describe().layoutVersion > 0 && silentMs >= SEARCH_INTERVAL_MS) this.send()
  }

  private isEcho({ id, incarnation, peer }: Beacon): boolean {
    const self = this.components.describe()
    const here = peer.host === self.peer.host && peer.port === self.peer.port
    return id === self.id && incarnation === self.incarnation && here
  }

  private report(level: 'warn' | 'error', event: string, subject: string, fields: TraceFields): void {
    this.reports.report(level, event, subject, fields, this.components.clock.monotonicMs())
  }
}
