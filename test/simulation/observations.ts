import { type Dot, sameDot } from '../../server/causality/dot.ts'
import { LONG_PAST } from '../../server/causality/floor.ts'
import type { KeyRecord, RequestId, VersionVector } from '../../server/causality/record.ts'
import { decodeRecord } from '../../server/causality/record-codec.ts'
import { compareStamps, type Stamp } from '../../server/causality/stamp.ts'
import { decodeLayout, type Layout } from '../../server/membership/layout.ts'
import { type Key, keyToText } from '../../shared/key.ts'

/** One version that was seen in a record, on any disk at any time. */
export interface Sighting {
  readonly key: string
  readonly dot: Dot
  readonly stamp: Stamp
  /** null is a tombstone. */
  readonly value: string | null
  readonly request: RequestId
  /** The one under which it was seen first with this stamp. */
  readonly attempt: number
}

type Measure = 'bytes' | 'values of one writer'

/** Every version that any record on its way to any disk has had. */
export class Observations {
  /** By dot; more than one version under one dot is what must never be. */
  readonly byDot = new Map<string, Sighting[]>()
  readonly byRequest = new Map<RequestId, Sighting[]>()

  /** The most that any record has had of something. */
  readonly largest = new Map<Measure, { key: string; count: number }>()

  /** Records that were removed from an owner's disk: their tombstones stand although nobody holds them. */
  readonly removed = new Map<string, KeyRecord[]>()
  /** Pasts that were shortened on an owner's disk: what they name is done with all the same. */
  readonly shortened = new Map<string, VersionVector[]>()
  /** By number, all that any disk was given as a decided layout, by their bytes. */
  readonly layouts = new Map<number, Map<string, Layout>>()
  /** By key, the records that have been read, and whether their pasts are long: most go to several disks. */
  private readonly known = new Map<Key, Map<string, boolean>>()

  noteLayout(bytes: Buffer): void {
    const layout = decodeLayout(bytes)
    const known = this.layouts.get(layout.version) ?? new Map<string, Layout>()
    this.layouts.set(layout.version, known.set(bytes.toString('latin1'), layout))
  }

  noteRemoval(key: string, record: KeyRecord): void {
    push(this.removed, key, record)
  }

  noteShortening(key: string, past: VersionVector): void {
    push(this.shortened, key, past)
  }

  /**
   * @returns whether its past is long, so that it may be shortened one day.
   * @throws CorruptRecord where the bytes are none of the key.
   */
  read(key: Key, bytes: Buffer): boolean {
    let known = this.known.get(key)
    if (known === undefined) {
      known = new Map()
      this.known.set(key, known)
    }
    const content = bytes.toString('latin1')
    const before = known.get(content)
    if (before !== undefined) return before
    const record = decodeRecord(key, bytes)
    const text = keyToText(key)
    this.note(text, record)
    this.measure(text, record, bytes.length)
    const long = record.past.size > LONG_PAST
    known.set(content, long)
    return long
  }

  note(key: string, record: KeyRecord): void {
    for (const { dot, stamp, value, request, attempt } of record.siblings) {
      const name = dotText(dot)
      const sighting = { key, dot, stamp, value: value?.toString('latin1') ?? null, request, attempt }
      const known = this.byDot.get(name)?.find((other) => sameVersion(other, sighting))
      if (known !== undefined && sameStamp(known, sighting)) continue
      if (known === undefined) push(this.byDot, name, sighting)
      // The same version with another stamp: its coordinator has lifted it.
      const others = this.byRequest.get(request)
      if (!others?.some((other) => sameDot(other.dot, dot) && sameStamp(other, sighting)))
        push(this.byRequest, request, sighting)
    }
  }

  private measure(key: string, { siblings }: KeyRecord, bytes: number): void {
    const byActor = new Map<string, number>()
    for (const { dot } of siblings) byActor.set(dot.actor, (byActor.get(dot.actor) ?? 0) + 1)
    const raise = (what: Measure, count: number) => {
      if (count > (this.largest.get(what)?.count ?? 0)) this.largest.set(what, { key, count })
    }
    raise('bytes', bytes)
    raise('values of one writer', Math.max(0, ...byActor.values()))
  }

  /** The lowest and the highest (stamp, actor) that the request ever had; undefined if it never was. */
  ranks(request: RequestId): { lowest: Sighting; highest: Sighting } | undefined {
    const sightings = this.byRequest.get(request)
    if (sightings === undefined) return undefined
    const ranked = [...sightings].sort(compareRanks)
    return { lowest: ranked[0] as Sighting, highest: ranked.at(-1) as Sighting }
  }
}

/** The order in which `lww` chooses. */
export function compareRanks(a: Sighting, b: Sighting): number {
  const byStamp = compareStamps(a.stamp, b.stamp)
  if (byStamp !== 0) return byStamp
  return a.dot.actor < b.dot.actor ? -1 : a.dot.actor > b.dot.actor ? 1 : a.dot.counter - b.dot.counter
}

function sameVersion(a: Sighting, b: Sighting): boolean {
  return a.key === b.key && a.request === b.request && a.value === b.value
}

function sameStamp(a: Sighting, b: Sighting): boolean {
  return compareStamps(a.stamp, b.stamp) === 0
}

export function dotText(dot: Dot): string {
  return `${dot.actor}:${dot.counter}`
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
