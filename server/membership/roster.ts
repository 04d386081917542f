import { KvError, toKvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Address, Network, NodeId } from '../ports/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { Beacon } from './beacon.ts'
import type { Founders } from './bootstrap.ts'
import { isWildcard } from './discovery.ts'
import { type Heartbeat, MAX_GOSSIP, type PeerAddress } from './heartbeat.ts'
import type { LayoutMember } from './layout.ts'
import type { LayoutStore } from './layout-store.ts'
import { OccasionalReports } from './occasional.ts'
import { PeerBook } from './peer-book.ts'
import { ALIVE_MS, type Peer, PeerTable } from './peer-table.ts'

export interface RosterComponents {
  readonly clock: Clock
  readonly network: Network
  readonly storage: Storage
  readonly trace: Trace
  readonly layouts: LayoutStore
  readonly onKnown: (id: NodeId) => void
  readonly onForgotten: (id: NodeId) => void
}

/**
 * Who the peers are and where: learned from the disk, beacons, heartbeats and the addresses that travel in
 * those. Keeps out nodes of another ring of the same name, and second nodes with the id of a living one.
 */
export class Roster {
  private readonly components: RosterComponents
  private readonly settings: { id: NodeId; cluster: string }
  private readonly table = new PeerTable()
  private readonly book: PeerBook
  private readonly reports: OccasionalReports
  private ringSeen = ''
  private turn = 0

  constructor(components: RosterComponents, settings: { id: NodeId; cluster: string }) {
    this.components = components
    this.settings = settings
    this.book = new PeerBook(components)
    this.reports = new OccasionalReports(components)
  }

  start(): void {
    const { ringSeen, addresses } = this.book.load()
    this.ringSeen = ringSeen
    this.welcomeMembers()
    for (const { id, address } of addresses) this.learn(id, address)
  }

  /** The members of the layout are known even before anything is heard of them; those that were removed are not. */
  welcomeMembers(): void {
    const layout = this.components.layouts.layout()
    for (const { id } of layout?.former ?? []) if (this.table.remove(id)) this.dismiss(id)
    for (const { id, zone } of layout?.members ?? []) {
      const peer = this.notice(id)
      if (peer?.incarnation === '') peer.zone = zone
    }
    if (layout !== undefined) this.sawRing(layout.ringId)
  }

  get(id: NodeId): Peer | undefined {
    return this.table.get(id)
  }

  peers(): IterableIterator<Peer> {
    return this.table.values()
  }

  ids(): IterableIterator<NodeId> {
    return this.table.ids()
  }

  /** What the founding of a ring goes by. */
  founders(reachable: (id: NodeId) => boolean): Founders {
    return {
      unattached: () => this.unattached(reachable),
      reachable,
      ringKnown: () => this.ringSeen !== '',
      sawRing: (ringId) => this.sawRing(ringId),
    }
  }

  /** Those of the chosen peers that have no layout. */
  private unattached(chosen: (id: NodeId) => boolean): LayoutMember[] {
    const found: LayoutMember[] = []
    for (const { id, zone, weight, layoutVersion } of this.table.values()) {
      if (layoutVersion === 0 && chosen(id)) found.push({ id, zone, weight })
    }
    return found
  }

  sawRing(ringId: string): void {
    if (this.ringSeen === '') this.ringSeen = ringId
  }

  hearBeacon(beacon: Beacon, address: Address): void {
    try {
      this.checkRing(beacon.id, beacon)
      const peer = this.notice(beacon.id)
      if (peer === undefined) return
      this.checkIncarnation(peer, beacon.incarnation)
      if (this.table.applyBeacon(peer, beacon, address, this.now()))
        this.components.network.learn(peer.id, address)
      this.sawRing(beacon.ringId)
    } catch (error) {
      this.report('beacon.unwelcome', beacon.id, toKvError(error))
    }
  }

  /**
   * @returns false when a newer heartbeat has come before this one.
   * @throws KvError `conflict` when the two nodes must have nothing to do with each other.
   */
  take(from: NodeId, beat: Heartbeat): boolean {
    let news: boolean
    try {
      this.checkRing(from, beat)
      const peer = this.notice(from)
      if (peer === undefined) throw new KvError('overloaded', 'too many nodes are known here already')
      this.checkIncarnation(peer, beat.incarnation)
      news = this.table.applyHeartbeat(peer, beat, this.now())
      if (news && !isWildcard(beat.address)) this.learn(from, beat.address)
    } catch (error) {
      this.report('peer.refused', from, toKvError(error))
      throw error
    }
    if (!news) return false
    this.sawRing(beat.ringId)
    for (const { id, address } of beat.gossip) this.hearsay(id, address)
    return true
  }

  /** The addresses of a few of the peers for whom `chosen` holds; others have their turn in the next round. */
  gossip(chosen: (id: NodeId) => boolean): PeerAddress[] {
    const all = this.table.addresses().filter(({ id }) => chosen(id))
    if (all.length <= MAX_GOSSIP) return all
    const first = this.turn % all.length
    return [...all.slice(first), ...all.slice(0, first)].slice(0, MAX_GOSSIP)
  }

  /** Once a round: forgets who is gone, and keeps the disk up to date. */
  round(): void {
    this.turn += MAX_GOSSIP
    const layout = this.components.layouts.layout()
    const members = new Set(layout?.members.map(({ id }) => id))
    for (const id of this.table.forgetSilent((peer) => members.has(peer), this.now())) this.dismiss(id)
    this.book.save({ ringSeen: this.ringSeen, addresses: this.table.addresses() }, this.now())
  }

  private learn(id: NodeId, address: Address): void {
    const peer = this.notice(id)
    if (peer === undefined) return
    if (this.table.setAddress(peer, address, this.now())) this.components.network.learn(id, address)
  }

  /** What others say of an address counts only for a peer that does not speak for itself. */
  private hearsay(id: NodeId, address: Address): void {
    const peer = this.table.get(id)
    const speaks = peer !== undefined && this.now() - peer.heardMs < ALIVE_MS
    if (!speaks && !this.components.network.connected(id) && !isWildcard(address)) this.learn(id, address)
  }

  private dismiss(id: NodeId): void {
    this.components.network.forget(id)
    this.components.onForgotten(id)
  }

  private notice(id: NodeId): Peer | undefined {
    if (id === this.settings.id || this.components.layouts.removed(id)) return undefined
    const known = this.table.get(id)
    if (known !== undefined) return known
    const peer = this.table.notice(id, this.now())
    if (peer !== undefined) this.components.onKnown(id)
    return peer
  }

  private checkIncarnation(peer: Peer, incarnation: string): void {
    const before = peer.incarnation
    this.table.checkIncarnation(peer, incarnation, this.now())
    if (before === '' || before === incarnation) return
    this.components.trace.event('warn', 'member.replaced', { peer: peer.id, before, now: incarnation })
  }

  private checkRing(from: NodeId, said: Beacon | Heartbeat): void {
    const layout = this.components.layouts.layout()
    if (said.cluster !== this.settings.cluster) {
      throw new KvError('conflict', `${from} belongs to the cluster ${said.cluster}`)
    }
    if (this.components.layouts.removed(from)) {
      throw new KvError(
        'conflict',
        `${from} was removed from the ring`,
        'its data is of no use any more: the node may be stopped, and its data directory deleted',
      )
    }
    if (layout === undefined || said.ringId === '') return
    if (said.ringId !== layout.ringId) {
      throw new KvError(
        'conflict',
        `${from} belongs to another ring of the same name (${said.ringId}, here ${layout.ringId})`,
        'give one of the two rings another cluster name, or wipe the nodes of one of them',
      )
    }
    const sameVersion = 'layoutDigest' in said && said.layoutVersion === layout.version
    if (sameVersion && said.layoutDigest !== this.components.layouts.digest()) {
      throw new KvError('conflict', `${from} has another layout with the same number ${layout.version}`)
    }
  }

  private report(event: string, from: NodeId, { message }: KvError): void {
    this.reports.report('error', event, from, { peer: from, why: message }, this.now())
  }

  private now(): number {
    return this.components.clock.monotonicMs()
  }
}
