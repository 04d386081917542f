import { createHash } from 'node:crypto'
import { KvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { NodeId } from '../ports/network.ts'
import type { Codec } from '../rpc/method.ts'

export interface LayoutMember {
  readonly id: NodeId
  readonly zone: string
  /** Relative share of the slots; 1 is normal. */
  readonly weight: number
}

/** A node that was taken out of the ring for good. */
export interface FormerMember extends LayoutMember {
  /** The number of the first layout without it. */
  readonly removedIn: number
}

/**
 * Who owns what: at every version number there is at most one layout.
 * Version 1 comes from `--bootstrap-expect`; later ones are decided among the members of the one before.
 */
export interface Layout {
  readonly version: number
  readonly cluster: string
  /** Random, drawn when the ring is founded: tells two rings of the same name apart. */
  readonly ringId: string
  readonly n: number
  readonly r: number
  readonly w: number
  readonly conflicts: ConflictPolicy
  /** In id order. */
  readonly members: readonly LayoutMember[]
  /** In the order in which they were removed: what each of them owned went to others then, and stays there. */
  readonly former: readonly FormerMember[]
}

export const MAX_MEMBERS = 1024

/** Of a node id, a zone, a cluster's name, a ring id or an incarnation. */
export const MAX_NAME_BYTES = 64

const MAX_WEIGHT = 1000
/** Without former members as it was before there could be any: the same content has the same bytes. */
const FORMAT = 1
const FORMAT_WITH_FORMER = 2
export const POLICIES: readonly ConflictPolicy[] = ['lww', 'siblings']

/** By code units, the same on every machine. */
export function compareIds(a: NodeId, b: NodeId): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** @throws KvError `usage` when the layout breaks a rule, naming it. */
export function validateLayout(layout: Layout): void {
  const { version, cluster, ringId, n, r, w, conflicts, members, former } = layout
  requireThat(Number.isSafeInteger(version) && version >= 1, `its version is ${version}`)
  requireThat(isName(cluster), 'the name of its cluster has not 1 to 64 bytes')
  requireThat(isName(ringId), 'its ring id has not 1 to 64 bytes')
  requireThat(isCount(n, 255), `n is ${n}`)
  requireThat(isCount(r, n), `r is ${r}, but n is ${n}`)
  requireThat(isCount(w, n), `w is ${w}, but n is ${n}`)
  requireThat(POLICIES.includes(conflicts), `its conflict policy is ${conflicts}`)
  requireThat(isCount(members.length, MAX_MEMBERS), `it has ${members.length} members`)
  members.forEach(({ id, zone, weight }, index) => {
    const before = members[index - 1]
    requireThat(isName(id), `the id of member ${index} has not 1 to 64 bytes`)
    requireThat(before === undefined || compareIds(before.id, id) < 0, `member ${id} is not in id order`)
    requireThat(Buffer.byteLength(zone) <= MAX_NAME_BYTES, `the zone of ${id} has over 64 bytes`)
    requireThat(weight > 0 && weight <= MAX_WEIGHT, `the weight of ${id} is ${weight}`)
  })
  checkFormer(former, layout)
}

function checkFormer(former: readonly FormerMember[], layout: Layout): void {
  const left = layout.members.length
  requireThat(
    former.length === 0 || layout.n <= left,
    `n is ${layout.n}, but after removals ${left} are left`,
  )
  const all = former.length + left
  requireThat(all <= MAX_MEMBERS, `it has ${all} members, with those that were removed`)
  const seen = new Set(layout.members.map(({ id }) => id))
  let before = 1
  for (const { id, zone, weight, removedIn } of former) {
    requireThat(isName(id) && !seen.has(id), `the former member ${id} is named twice, or not at all`)
    requireThat(Buffer.byteLength(zone) <= MAX_NAME_BYTES, `the zone of ${id} has over 64 bytes`)
    requireThat(weight > 0 && weight <= MAX_WEIGHT, `the weight of ${id} is ${weight}`)
    const later = Number.isSafeInteger(removedIn) && removedIn > before && removedIn <= layout.version
    requireThat(later, `${id} was removed in ${removedIn}, after ${before}`)
    seen.add(id)
    before = removedIn
  }
}

/** Versioned and canonical: the same layout gives the same bytes. */
export const layoutCodec: Codec<Layout> = {
  write: (writer, { version, cluster, ringId, n, r, w, conflicts, members, former }) => {
    writer
      .u8(former.length === 0 ? FORMAT : FORMAT_WITH_FORMER)
      .u53(version)
      .text(cluster)
      .text(ringId)
      .u8(n)
      .u8(r)
      .u8(w)
    writer.u8(POLICIES.indexOf(conflicts)).u16(members.length)
    for (const { id, zone, weight } of members) writer.text(id).text(zone).f64(weight)
    if (former.length === 0) return
    writer.u16(former.length)
    for (const { id, zone, weight, removedIn } of former)
      writer.text(id).text(zone).f64(weight).u53(removedIn)
  },
  read: (reader) => {
    const format = reader.u8()
    if (format !== FORMAT && format !== FORMAT_WITH_FORMER)
      throw new RangeError(
        `a layout in format ${format}; this version reads ${FORMAT} and ${FORMAT_WITH_FORMER}`,
      )
    const head = { version: reader.u53(), cluster: reader.text(), ringId: reader.text() }
    const quorums = { n: reader.u8(), r: reader.u8(), w: reader.u8() }
    const conflicts = POLICIES[reader.u8()]
    if (conflicts === undefined) throw new RangeError('a layout with no known conflict policy')
    const members: LayoutMember[] = []
    for (let left = reader.u16(); left > 0; left--) {
      members.push({ id: reader.text(), zone: reader.text(), weight: reader.f64() })
    }
    const former: FormerMember[] = []
    for (let left = format === FORMAT ? 0 : reader.u16(); left > 0; left--) {
      const member = { id: reader.text(), zone: reader.text(), weight: reader.f64() }
      former.push({ ...member, removedIn: reader.u53() })
    }
    const layout = { ...head, ...quorums, conflicts, members, former }
    validateLayout(layout)
    return layout
  },
}

export function encodeLayout(layout: Layout): Buffer {
  const writer = new ByteWriter()
  layoutCodec.write(writer, layout)
  return writer.finish()
}

/** @throws RangeError or KvError where the bytes are not a valid layout. */
export function decodeLayout(bytes: Buffer): Layout {
  const reader = new ByteReader(bytes)
  const layout = layoutCodec.read(reader)
  reader.done()
  return layout
}

/** Tells two layouts apart: 16 hexadecimal digits of the SHA-256 of its bytes. */
export function layoutDigest(layout: Layout): string {
  return createHash('sha256').update(encodeLayout(layout)).digest('hex').slice(0, 16)
}

export function isMember(layout: Layout, id: NodeId): boolean {
  return layout.members.some((member) => member.id === id)
}

export function wasRemoved(layout: Layout, id: NodeId): boolean {
  return layout.former.some((member) => member.id === id)
}

/** The number of the layout since which every slot has had the owners that it has. */
export function placedIn({ former }: Layout): number {
  return former.at(-1)?.removedIn ?? 1
}

/** The members, and those removed since, as they were at the layout with that number. */
export function membersAt({ members, former }: Layout, version: number): Pick<Layout, 'members' | 'former'> {
  const since = former.filter(({ removedIn }) => removedIn > version)
  const all = [...members, ...since.map(({ id, zone, weight }) => ({ id, zone, weight }))]
  return {
    members: all.sort((a, b) => compareIds(a.id, b.id)),
    former: former.filter(({ removedIn }) => removedIn <= version),
  }
}

function requireThat(holds: boolean, why: string): void {
  if (!holds) throw new KvError('usage', `not a valid layout: ${why}`)
}

function isName(text: string): boolean {
  return text !== '' && Buffer.byteLength(text) <= MAX_NAME_BYTES
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= most
}
