import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { KvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Address, NodeId } from '../ports/network.ts'

/** What a node says of itself to every node in reach. */
export interface Beacon {
  readonly cluster: string
  readonly id: NodeId
  readonly incarnation: string
  /** Where peers reach the node. */
  readonly peer: Address
  /** The base URL of its HTTP API. */
  readonly http: string
  readonly zone: string
  readonly weight: number
  /** 0 where the node has no layout; then `ringId` is ''. */
  readonly layoutVersion: number
  readonly ringId: string
  /** The sender's wall clock, and a number that rises with each beacon of a process: against replays. */
  readonly wallMs: number
  readonly sequence: number
}

/** Fits one unfragmented datagram on any link. */
export const MAX_BEACON_BYTES = 1000

const MAGIC = Buffer.from('kvb1')
const TAG_BYTES = 4
const MAC_BYTES = 32
const HEAD_BYTES = MAGIC.length + TAG_BYTES

/**
 * What a datagram turned out to be: a beacon of the cluster, one of another cluster (or no beacon at all),
 * one that claims to be of the cluster but was not signed with its secret, or one that makes no sense.
 */
export type BeaconVerdict = Beacon | 'elsewhere' | 'forged' | 'malformed'

/**
 * Beacon datagrams: magic and format (4 bytes), a tag of the cluster's name (4), the fields, and the
 * HMAC-SHA256 of all that under the cluster secret (32).
 */
export class BeaconCodec {
  private readonly cluster: string
  private readonly secret: Buffer
  private readonly head: Buffer

  constructor(settings: { cluster: string; secret: Buffer }) {
    this.cluster = settings.cluster
    this.secret = settings.secret
    const tag = createHash('sha256').update(settings.cluster).digest().subarray(0, TAG_BYTES)
    this.head = Buffer.concat([MAGIC, tag])
  }

  /** @throws KvError `usage` when the names in it are so long that it exceeds 1,000 bytes. */
  encode(beacon: Beacon): Buffer {
    const writer = new ByteWriter(MAX_BEACON_BYTES).raw(this.head)
    writer.text(beacon.cluster).text(beacon.id).text(beacon.incarnation)
    writer.text(beacon.peer.host).u16(beacon.peer.port).text(beacon.http).text(beacon.zone).f64(beacon.weight)
    writer.u53(beacon.layoutVersion).text(beacon.ringId).u53(beacon.wallMs).u53(beacon.sequence)
    const body = writer.finish()
    if (body.length + MAC_BYTES > MAX_BEACON_BYTES) {
      const why = `the node's id, zone, addresses and cluster name make a beacon of ${body.length + MAC_BYTES} bytes`
      throw new KvError('usage', `${why}, over ${MAX_BEACON_BYTES}`, 'use shorter names')
    }
    return Buffer.concat([body, this.sign(body)])
  }

  /** Nothing in the datagram is looked at before its signature has been verified. */
  decode(datagram: Buffer): BeaconVerdict {
    if (datagram.length < HEAD_BYTES + MAC_BYTES || datagram.length > MAX_BEACON_BYTES) return 'elsewhere'
    const body = datagram.subarray(0, datagram.length - MAC_BYTES)
    const genuine = timingSafeEqual(this.sign(body), datagram.subarray(body.length))
    // The tag is only compared, to tell a neighbour with its own secret from a wrong secret.
    if (!body.subarray(0, HEAD_BYTES).equals(this.head)) return 'elsewhere'
    if (!genuine) return 'forged'
    try {
      const beacon = readBeacon(new ByteReader(body, HEAD_BYTES))
      return beacon.cluster === this.cluster ? beacon : 'elsewhere'
    } catch {
      return 'malformed'
    }
  }

  private sign(body: Buffer): Buffer {
    return createHmac('sha256', this.secret).update(body).digest()
  }
}

function readBeacon(reader: ByteReader): Beacon {
  const beacon = {
    cluster: reader.text(),
    id: reader.text(),
    incarnation: reader.text(),
    peer: { host: reader.text(), port: reader.u16() },
    http: reader.text(),
    zone: reader.text(),
    weight: reader.f64(),
    layoutVersion: reader.u53(),
    ringId: reader.text(),
    wallMs: reader.u53(),
    sequence: reader.u53(),
  }
  reader.done()
  return beacon
}
