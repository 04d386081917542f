import { KvError } from '../../shared/errors.ts'
import { compareStamps, NO_STAMP, type Stamp } from '../causality/stamp.ts'
import type { Address, NodeId } from '../ports/network.ts'
import type { Moment } from '../rpc/moment.ts'
import type { Beacon } from './beacon.ts'
import type { Heartbeat, NodeReport, PeerAddress } from './heartbeat.ts'
import { MAX_MEMBERS, MAX_NAME_BYTES } from './layout.ts'

/** A peer that is no member and silent for this long is forgotten. */
export const FORGET_AFTER_MS = 60_000

/** An incarnation heard within this long is alive: another one of the same id is then refused. */
export const ALIVE_MS = 3000

/** Heartbeats may overtake each other by this long; their stamps then tell which is the newer. */
const OVERTAKING_MS = 3000

/** A peer, as it described itself last. Times are monotonic milliseconds. */
export interface Peer {
  readonly id: NodeId
  address: Address | undefined
  /** '' until it has spoken for itself. */
  incarnation: string
  http: string
  zone: string
  weight: number
  layoutVersion: number
  ringId: string
  report: NodeReport | undefined
  ready: boolean
  /** The last heartbeat in either direction; -Infinity before the first. */
  heardMs: number
  /** The last sign of any kind. */
  noticedMs: number
  stamp: Stamp
  /** Its monotonic clock when it sent the heartbeat of `heardMs`. */
  moment: Moment | undefined
}

/**
 * The peers that this node knows of, bounded.
 *
 * One id, two incarnations alive at once means that a data directory was copied, or that two nodes were given
 * one name. The one that this node was in contact with first stays; the other is refused until the first has
 * been silent for ALIVE_MS (a node whose disk was replaced comes back after that). Taking the newcomer instead
 * would let a stray copy push out the node that holds the acknowledged writes.
 */
export class PeerTable {
  private readonly peers = new Map<NodeId, Peer>()

  get(id: NodeId): Peer | undefined {
    return this.peers.get(id)
  }

  ids(): IterableIterator<NodeId> {
    return this.peers.keys()
  }

  values(): IterableIterator<Peer> {
    return this.peers.values()
  }

  /** Adds a peer that was not known; undefined when there is no room or the id is not valid. */
  notice(id: NodeId, now: number): Peer | undefined {
    const valid = id !== '' && Buffer.byteLength(id) <= MAX_NAME_BYTES
    if (!valid || this.peers.size >= MAX_MEMBERS) return undefined
    const peer: Peer = {
      id,
      address: undefined,
      incarnation: '',
      http: '',
      zone: '',
      weight: 1,
      layoutVersion: 0,
      ringId: '',
      report: undefined,
      ready: false,
      heardMs: Number.NEGATIVE_INFINITY,
      noticedMs: now,
      stamp: NO_STAMP,
      moment: undefined,
    }
    this.peers.set(id, peer)
    return peer
  }

  /** @throws KvError `conflict` when another incarnation of the peer is alive. */
  checkIncarnation(peer: Peer, incarnation: string, now: number): void {
    if (peer.incarnation === '' || peer.incarnation === incarnation) return
    if (now - peer.heardMs >= ALIVE_MS) return
    throw new KvError(
      'conflict',
      `another node with the id ${peer.id} and another data directory is alive`,
      'give each node its own id; never start a copy of a data directory beside the original',
    )
  }

  /** @returns whether the address is a new one. */
  applyBeacon(peer: Peer, beacon: Beacon, address: Address, now: number): boolean {
    describe(peer, beacon)
    return this.setAddress(peer, address, now)
  }

  /** Takes over a heartbeat. @returns false when a newer one has come before it, so that it says nothing new. */
  applyHeartbeat(peer: Peer, beat: Heartbeat, now: number): boolean {
    const sameProcess = peer.incarnation === beat.incarnation
    const late =
      sameProcess && compareStamps(beat.stamp, peer.stamp) <= 0 && now - peer.heardMs < OVERTAKING_MS
    if (late) return false
    describe(peer, beat)
    if (beat.report !== undefined || !sameProcess) peer.report = beat.report
    peer.ready = beat.ready
    peer.stamp = beat.stamp
    peer.moment = beat.moment
    peer.heardMs = now
    peer.noticedMs = now
    return true
  }

  /** @returns whether it differs from what was known. */
  setAddress(peer: Peer, address: Address, now: number): boolean {
    peer.noticedMs = now
    const known = peer.address
    if (known !== undefined && known.host === address.host && known.port === address.port) return false
    peer.address = address
    return true
  }

  /** Drops the peers that have been silent for long and whom nothing else keeps. @returns their ids. */
  forgetSilent(keep: (id: NodeId) => boolean, now: number): NodeId[] {
    const gone: NodeId[] = []
    for (const { id, noticedMs } of this.peers.values()) {
      if (now - noticedMs > FORGET_AFTER_MS && !keep(id)) gone.push(id)
    }
    for (const id of gone) this.peers.delete(id)
    return gone
  }

  /** @returns whether it was known. */
  remove(id: NodeId): boolean {
    return this.peers.delete(id)
  }

  /** Every known address, in the order in which the peers became known. */
  addresses(): PeerAddress[] {
    const list: PeerAddress[] = []
    for (const { id, address } of this.peers.values()) if (address !== undefined) list.push({ id, address })
    return list
  }
}

function describe(peer: Peer, said: Beacon | Heartbeat): void {
  peer.incarnation = said.incarnation
  peer.http = said.http
  peer.zone = said.zone
  peer.weight = said.weight
  peer.layoutVersion = said.layoutVersion
  peer.ringId = said.ringId
}
