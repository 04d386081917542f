import type { Key } from '../../shared/key.ts'
import { SLOTS } from '../../shared/slot.ts'
import { isSealed } from '../causality/record-checksum.ts'
import type { Storage, StorageEntry } from '../ports/storage.ts'
import { fromDataAddress, slotAddress } from '../replica/data-address.ts'
import { DigestSums, type Summand } from './leaves.ts'
import type { Pace } from './pace.ts'
import { RecordDigest } from './record-digest.ts'
import type { SlotDigests } from './slot-digests.ts'

export interface SlotAuditComponents {
  readonly storage: Storage
  readonly digests: SlotDigests
  readonly pace: Pace
  /** Resolves when all that has been staged so far is durable. */
  readonly barrier: () => Promise<void>
  readonly onDamage: (slot: number, key: Key) => void
  readonly onUnreadable: (slot: number, error: unknown) => void
}

export interface AuditOutcome {
  /** All slots before this one have been checked. */
  readonly end: number
  readonly records: number
  /** Slots whose digest was wrong, and has been put right. */
  readonly rebuilt: readonly number[]
}

/** A group of slots ends with the slot in which as many records have been read. */
const GROUP_RECORDS = 4_096
const PAGE = 500
/** Keys that may be written while one group is read; with more of them the group is left unchecked. */
const MAX_WRITTEN = 100_000

/**
 * Reads a group of slots, checks every record against its checksum, and puts the slots' digests right where they
 * are wrong, while writes go on. A key that is written meanwhile counts as what was staged for it last: that is
 * what the digest of its slot has counted too, whatever was read of it before.
 */
export class SlotAudit {
  private readonly components: SlotAuditComponents
  private readonly found = new DigestSums(SLOTS)
  private readonly digest = new RecordDigest()
  /** Written since the group was begun, with what was staged last. */
  private written = new Map<Key, { slot: number; digest: Summand | undefined }>()
  private damaged = new Set<Key>()
  /** The last record that was counted. */
  private slot = -1
  private key = ''

  constructor(components: SlotAuditComponents) {
    this.components = components
  }

  /** From the slot `from` on, up to but not including `to`. */
  async run(from: number, to: number): Promise<AuditOutcome> {
    const { digests, barrier } = this.components
    this.found.clear(from, to)
    this.written = new Map()
    this.damaged = new Set()
    this.slot = -1
    digests.setWatch((slot, key, before, after) => {
      if (slot >= from && slot < to) this.noteWrite(slot, key, before, after)
    })
    try {
      await barrier()
      const { end, records } = await this.read(from, to)
      return { end, records, rebuilt: this.conclude(from, end) }
    } finally {
      digests.setWatch(undefined)
    }
  }

  private async read(from: number, to: number): Promise<{ end: number; records: number }> {
    let records = 0
    let at = slotAddress(from, '')
    let slot = from
    /** Slot by slot where the disk does not give more: one that cannot be read must not hide the others. */
    let narrow = false
    for (;;) {
      const limit = narrow ? slot + 1 : to
      const page = await this.page(slot, narrow, { gte: at, lt: slotAddress(limit, ''), limit: PAGE })
      if (page === undefined && !narrow) narrow = true
      else if (page === undefined || page.length === 0) {
        if (limit === to) return { end: to, records }
        slot = limit
        at = slotAddress(slot, '')
        if (records >= GROUP_RECORDS) return { end: slot, records }
      } else {
        for (const [address, bytes] of page) this.count(address, bytes)
        records += page.length
        const last = (page.at(-1) as StorageEntry)[0]
        slot = fromDataAddress(last).slot
        at = Buffer.concat([last, Buffer.of(0)])
        if (records >= GROUP_RECORDS && slot > from) return { end: slot, records }
        await this.components.pace.take(page.length)
      }
    }
  }

  /** undefined where the disk does not give it. */
  private async page(
    slot: number,
    narrow: boolean,
    range: Parameters<Storage['iterate']>[0],
  ): Promise<StorageEntry[] | undefined> {
    try {
      return await this.components.storage.iterate(range)
    } catch (error) {
      if (narrow) this.components.onUnreadable(slot, error)
      return undefined
    }
  }

  private count(address: Buffer, bytes: Buffer): void {
    const { slot, key } = fromDataAddress(address)
    this.slot = slot
    this.key = key
    if (!isSealed(key, bytes)) {
      this.damaged.add(key)
      this.components.onDamage(slot, key)
    } else if (!this.written.has(key)) this.found.add(slot, this.digest.read(key, bytes))
  }

  private noteWrite(slot: number, key: Key, before: Summand | undefined, after: Summand | undefined): void {
    // What has been counted of the key is what it was before its first write in this time.
    const counted = slot < this.slot || (slot === this.slot && key <= this.key)
    if (counted && before !== undefined && !this.written.has(key) && !this.damaged.has(key))
      this.found.subtract(slot, before)
    if (this.written.size > MAX_WRITTEN) return
    const digest = after === undefined ? undefined : { lo: after.lo, hi: after.hi }
    this.written.set(key, { slot, digest })
  }

  private conclude(from: number, end: number): number[] {
    const rebuilt: number[] = []
    if (this.written.size > MAX_WRITTEN) return rebuilt
    for (const { slot, digest } of this.written.values())
      if (digest !== undefined) this.found.add(slot, digest)
    const { leaves } = this.components.digests
    for (let slot = from; slot < end; slot++) {
      if (leaves.sums.same(slot, this.found)) continue
      leaves.replace(slot, this.found, slot)
      rebuilt.push(slot)
    }
    return rebuilt
  }
}
