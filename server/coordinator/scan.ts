import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { mergeRecords } from '../causality/merge.ts'
import type { ConflictPolicy, KeyRecord } from '../causality/record.ts'
import { CorruptRecord, decodeRecord } from '../causality/record-codec.ts'
import { liveSiblings } from '../causality/write.ts'
import type { NodeId } from '../ports/network.ts'
import type { DataScan } from '../replica/scan-data.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { Rpc } from '../rpc/method.ts'
import { SCAN, type ScanRequest, type ScanResponse } from '../rpc/replica-methods.ts'
import type { ScanOptions, ScanPage } from './outcome.ts'
import type { RingView } from './ring-view.ts'

const PAGE_TIMEOUT_MS = 10_000
/** Pages that may hold nothing of the prefix, before an empty page with a cursor is answered. */
const MAX_ROUNDS = 50

interface Place {
  readonly slot: number
  readonly after: string
}

export interface ScanComponents {
  readonly ring: RingView
  readonly rpc: Rpc
  readonly local: DataScan
  readonly hybrid: HybridClock
  readonly policy: () => ConflictPolicy
}

/**
 * Walks the data of all nodes in step, in (slot, key) order, and merges what they hold of each key. Each slot must
 * have r of its owners among those that answer, as for a read.
 */
export class Scanner {
  private readonly components: ScanComponents
  private readonly self: NodeId

  constructor(components: ScanComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  async page(options: ScanOptions, slots: SlotTable, r: number): Promise<ScanPage> {
    let place = options.cursor === undefined ? { slot: 0, after: '' } : readCursor(options.cursor)
    const nodes = this.nodes(slots, r)
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const request = { ...place, prefix: options.prefix, limit: options.limit, values: options.values }
      const pages = await Promise.all(nodes.map((node) => this.ask(node, request)))
      const complete = nodes.filter((_, i) => pages[i]?.complete)
      if (complete.length < nodes.length) requireOwners(slots, r, complete, 'have all that they held')
      const { entries, next } = this.join(pages, options)
      if (next.slot >= SLOTS) return { entries }
      if (entries.length > 0) return { entries, cursor: writeCursor(next) }
      place = next
    }
    return { entries: [], cursor: writeCursor(place) }
  }

  /** All nodes in reach; @throws KvError where a slot would be read from fewer than r of its owners. */
  private nodes(slots: SlotTable, r: number): readonly NodeId[] {
    const nodes = slots.members.filter((node) => node === this.self || this.components.ring.reachable(node))
    if (nodes.length < slots.members.length) requireOwners(slots, r, nodes, 'can be reached')
    return nodes
  }

  private ask(node: NodeId, request: ScanRequest): Promise<ScanResponse> {
    if (node === this.self) return this.components.local.page(request)
    return new Promise((resolve, reject) => {
      this.components.rpc.call(node, SCAN, request, PAGE_TIMEOUT_MS, (error, response) => {
        if (error === undefined) resolve(response as ScanResponse)
        else reject(error.kind.definite ? error : new KvError('read_timeout', error.message, 'try again'))
      })
    })
  }

  /** What all pages have looked at, up to the first place that one of them has not. */
  private join(
    pages: readonly ScanResponse[],
    options: ScanOptions,
  ): { entries: ScanPage['entries']; next: Place } {
    let next: Place = { slot: SLOTS, after: '' }
    for (const page of pages) if (comparePlaces(page, next) < 0) next = { slot: page.slot, after: page.after }
    const records = new Map<Key, { slot: number; bytes: Buffer; record: KeyRecord }>()
    for (const page of pages) {
      for (const { slot, key, bytes } of page.entries) {
        if (comparePlaces({ slot, after: key }, next) > 0) break
        const known = records.get(key)
        if (known?.bytes.equals(bytes)) continue
        const record = intact(key, bytes)
        if (record === undefined) continue
        if (known === undefined) records.set(key, { slot, bytes, record })
        else known.record = mergeRecords(known.record, record)
      }
    }
    const wallMs = this.components.hybrid.wallMs()
    const entries: { slot: number; key: Key; value?: Buffer }[] = []
    for (const [key, { slot, record }] of records) {
      const live = liveSiblings(record, wallMs, this.components.policy())[0]
      if (live === undefined) continue
      entries.push(options.values ? { slot, key, value: live.value as Buffer } : { slot, key })
    }
    entries.sort((a, b) => a.slot - b.slot || (a.key < b.key ? -1 : 1))
    if (entries.length <= options.limit) return { entries, next }
    entries.length = options.limit
    const last = entries[options.limit - 1] as { slot: number; key: Key }
    return { entries, next: { slot: last.slot, after: last.key } }
  }
}

/** @throws KvError where a slot has fewer than r of its owners among the nodes. */
function requireOwners(slots: SlotTable, r: number, nodes: readonly NodeId[], what: string): void {
  for (let slot = 0; slot < SLOTS; slot++) {
    const owners = slots.owners(slot).filter((owner) => nodes.includes(owner))
    if (owners.length >= r) continue
    const why = `only ${owners.length} owners of slot ${slot} ${what}, r=${r}`
    throw new KvError('no_quorum', why, 'see which nodes are up: kv ring status')
  }
}

/** A record that one disk has damaged is left to the other owners: each slot is read from r of them. */
function intact(key: Key, bytes: Buffer): KeyRecord | undefined {
  try {
    return decodeRecord(key, bytes)
  } catch (error) {
    if (error instanceof CorruptRecord) return undefined
    throw error
  }
}

function comparePlaces(a: Place, b: Place): number {
  if (a.slot !== b.slot) return a.slot - b.slot
  return a.after === b.after ? 0 : a.after < b.after ? -1 : 1
}

function writeCursor({ slot, after }: Place): string {
  const bytes = Buffer.concat([Buffer.of(slot >>> 8, slot & 255), Buffer.from(after, 'latin1')])
  return bytes.toString('base64url')
}

function readCursor(cursor: string): Place {
  const bytes = Buffer.from(cursor, 'base64url')
  const valid = bytes.length >= 2 && bytes.toString('base64url') === cursor && bytes.readUInt16BE(0) < SLOTS
  if (!valid)
    throw new KvError('usage', 'the cursor is not one that a scan has given', 'start without a cursor')
  return { slot: bytes.readUInt16BE(0), after: bytes.toString('latin1', 2) }
}
