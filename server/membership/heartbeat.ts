import type { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { Address, NodeId } from '../ports/network.ts'
import type { Codec, Method } from '../rpc/method.ts'
import { type Moment, readMoment, writeMoment } from '../rpc/moment.ts'
import { MAX_MEMBERS } from './layout.ts'

/** What a node tells its peers of the data that it holds. */
export interface NodeReport {
  readonly keys: number
  readonly bytes: number
  readonly tombstones: number
  readonly hintsHeld: number
  readonly hintBytes: number
  /** Age of the oldest hint; 0 where there is none. */
  readonly oldestHintMs: number
  /** Every owner for whom it holds hints: all of them, or conclusions from its silence would be wrong. */
  readonly hintsFor: readonly NodeId[]
  /** Slots of which it knows that another owner holds something else. */
  readonly divergentSlots: number
  /** Slots that it owns, and has to be given what there is of them first: it counts in no read of them. */
  readonly unfilledSlots: number
  /** Batches that its disk has taken, in all its life. */
  readonly commits: number
}

/** `unreachable`: lately not worth a request; `suspect` and `down`: by its own long observation. */
export type Grievance = 'unreachable' | 'suspect' | 'down'

export interface PeerAddress {
  readonly id: NodeId
  readonly address: Address
}

/** Peers' addresses in one heartbeat: they take turns. */
export const MAX_GOSSIP = 8

/** Request and response of a heartbeat alike: all that a node says of itself and of its view. */
export interface Heartbeat {
  readonly cluster: string
  readonly incarnation: string
  readonly address: Address
  readonly http: string
  readonly zone: string
  readonly weight: number
  /** 0, '' and '' where the node has no layout. */
  readonly layoutVersion: number
  readonly ringId: string
  readonly layoutDigest: string
  readonly stamp: Stamp
  readonly wallMs: number
  /** The sender's monotonic clock. */
  readonly moment: Moment
  /** Members of the layout that are not fine, by the sender's own observation; everyone else is. */
  readonly grievances: ReadonlyMap<NodeId, Grievance>
  /** Nodes whose disks are not what the sender has known: with as many batches they have heard of it. */
  readonly doubts: ReadonlyMap<NodeId, number>
  /** Peers that the sender reaches, so that one seed is enough to find everyone. */
  readonly gossip: readonly PeerAddress[]
  /** It has a layout and a clock that it trusts. */
  readonly ready: boolean
  /** Absent until the node has recovered what it holds. */
  readonly report: NodeReport | undefined
}

const NO_GRIEVANCES: ReadonlyMap<NodeId, Grievance> = new Map()
const GRIEVANCES: readonly Grievance[] = ['unreachable', 'suspect', 'down']

const heartbeatCodec: Codec<Heartbeat> = {
  write: (writer, beat) => {
    writer.text(beat.cluster).text(beat.incarnation)
    writeAddress(writer, beat.address)
    writer.text(beat.http).text(beat.zone).f64(beat.weight)
    writer.u53(beat.layoutVersion).text(beat.ringId).text(beat.layoutDigest)
    writer.u53(beat.stamp.wallMs).u32(beat.stamp.logical).u53(Math.max(0, beat.wallMs))
    writeMoment(writer, beat.moment)
    writer.u16(beat.grievances.size)
    for (const [id, grievance] of beat.grievances) writer.text(id).u8(GRIEVANCES.indexOf(grievance))
    writer.u16(beat.doubts.size)
    for (const [id, commits] of beat.doubts) writer.text(id).u53(commits)
    writer.u8(beat.gossip.length)
    for (const { id, address } of beat.gossip) writeAddress(writer.text(id), address)
    writer.flag(beat.ready).flag(beat.report !== undefined)
    if (beat.report !== undefined) writeReport(writer, beat.report)
  },
  read: (reader) => ({
    cluster: reader.text(),
    incarnation: reader.text(),
    address: readAddress(reader),
    http: reader.text(),
    zone: reader.text(),
    weight: reader.f64(),
    layoutVersion: reader.u53(),
    ringId: reader.text(),
    layoutDigest: reader.text(),
    stamp: { wallMs: reader.u53(), logical: reader.u32() },
    wallMs: reader.u53(),
    moment: readMoment(reader),
    grievances: readGrievances(reader),
    doubts: new Map(readList(reader.u16(), MAX_MEMBERS, () => [reader.text(), reader.u53()])),
    gossip: readList(reader.u8(), MAX_GOSSIP, () => ({ id: reader.text(), address: readAddress(reader) })),
    ready: reader.flag(),
    report: reader.flag() ? readReport(reader) : undefined,
  }),
}

export const HEARTBEAT: Method<Heartbeat, Heartbeat> = {
  id: 1,
  name: 'heartbeat',
  request: heartbeatCodec,
  response: heartbeatCodec,
  anyLayout: true,
}

export function writeAddress(writer: ByteWriter, { host, port }: Address): void {
  writer.text(host).u16(port)
}

export function readAddress(reader: ByteReader): Address {
  return { host: reader.text(), port: reader.u16() }
}

/** @throws RangeError when there are more than `most`: a peer must not make this node allocate at will. */
export function readList<T>(count: number, most: number, read: () => T): T[] {
  if (count > most) throw new RangeError(`a list of ${count}, of at most ${most}`)
  const list: T[] = []
  for (let left = count; left > 0; left--) list.push(read())
  return list
}

function readGrievances(reader: ByteReader): ReadonlyMap<NodeId, Grievance> {
  const count = reader.u16()
  if (count === 0) return NO_GRIEVANCES
  return new Map(readList(count, MAX_MEMBERS, () => [reader.text(), readGrievance(reader)]))
}

function readGrievance(reader: ByteReader): Grievance {
  const grievance = GRIEVANCES[reader.u8()]
  if (grievance === undefined) throw new RangeError('a grievance of no known kind')
  return grievance
}

function writeReport(writer: ByteWriter, report: NodeReport): void {
  writer.u53(report.keys).u53(report.bytes).u53(report.tombstones)
  writer.u53(report.hintsHeld).u53(report.hintBytes).f64(report.oldestHintMs)
  writer.u16(report.hintsFor.length)
  for (const id of report.hintsFor) writer.text(id)
  writer.u16(report.divergentSlots).u16(report.unfilledSlots).u53(report.commits)
}

function readReport(reader: ByteReader): NodeReport {
  return {
    keys: reader.u53(),
    bytes: reader.u53(),
    tombstones: reader.u53(),
    hintsHeld: reader.u53(),
    hintBytes: reader.u53(),
    oldestHintMs: reader.f64(),
    hintsFor: readList(reader.u16(), MAX_MEMBERS, () => reader.text()),
    divergentSlots: reader.u16(),
    unfilledSlots: reader.u16(),
    commits: reader.u53(),
  }
}
