import { SLOTS } from '../../shared/slot.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Storage, StorageOp } from '../ports/storage.ts'
import { DIGEST_WORDS, type Leaves } from './leaves.ts'

/** Journal entries on the disk; a new one takes the place of the oldest. */
const ENTRIES = 1024
const PAGES = 64
const PAGE_SLOTS = SLOTS / PAGES
/** After so many entries one page is written: so that each is, before the entries it counts on are overwritten. */
const PAGE_EVERY = ENTRIES / PAGES
const PAGE_WORDS = PAGE_SLOTS * DIGEST_WORDS
const PAGE_BYTES = 8 + PAGE_WORDS * 4
const CHANGE_BYTES = 2 + DIGEST_WORDS * 4

const FIRST = Buffer.from('mt')
const END = Buffer.from('mu')
const ENTRY = 0x65
const PAGE = 0x70

/**
 * The leaves on the disk. Each batch takes one entry along that names the slots it has changed and their new
 * digests: a few bytes for each write where a record of its own for each leaf would double the writes. Entries go
 * round in a circle, and before one is overwritten the page of leaves that it belongs to has been written whole.
 * All of it is in the batch of the data, so that the leaves match the data after any crash.
 */
export class LeafJournal {
  private readonly leaves: Leaves
  private readonly pageDirty = new Uint8Array(PAGES)
  /** The number of the last entry. */
  private sequence = 0

  constructor(components: { leaves: Leaves }) {
    this.leaves = components.leaves
  }

  /** @returns false where the disk holds no leaves, or none that can be read: they must be made from the data. */
  async recover(storage: Storage): Promise<boolean> {
    const entries: { sequence: number; changes: ByteReader }[] = []
    const pages = new Array<number>(PAGES).fill(0)
    let intact = true
    let gte = FIRST
    let found = 0
    for (;;) {
      const read = await storage.iterate({ gte, lt: END, limit: ENTRIES })
      for (const [key, value] of read) {
        found++
        const changes = new ByteReader(value)
        const sequence = readSequence(changes)
        const page = key[2] === PAGE && value.length === PAGE_BYTES
        const entry = key[2] === ENTRY && changes.remaining % CHANGE_BYTES === 0
        if (sequence === undefined || !(page || entry)) intact = false
        else if (entry) entries.push({ sequence, changes })
        else pages[key.readUInt16BE(3) % PAGES] = this.readPage(key, changes, sequence)
      }
      const last = read.at(-1)
      if (last === undefined) break
      gte = Buffer.concat([last[0], Buffer.of(0)])
    }
    entries.sort((a, b) => a.sequence - b.sequence)
    for (const { sequence, changes } of entries) this.replay(sequence, changes, pages)
    this.sequence = Math.max(0, ...pages, entries.at(-1)?.sequence ?? 0)
    return intact && found > 0
  }

  /** What the next batch takes along: call it for every batch, after all that the batch changes is in the leaves. */
  ops(): StorageOp[] {
    if (!this.leaves.dirty) return []
    const changed = this.leaves.takeChanged()
    const sequence = ++this.sequence
    const { words } = this.leaves.sums
    const writer = new ByteWriter(8 + changed.length * CHANGE_BYTES).u53(sequence)
    for (const slot of changed) {
      this.pageDirty[Math.floor(slot / PAGE_SLOTS)] = 1
      const at = slot * DIGEST_WORDS
      writer.u16(slot)
      for (let i = 0; i < DIGEST_WORDS; i++) writer.u32(words[at + i] as number)
    }
    const ops: StorageOp[] = [
      { type: 'put', key: address(ENTRY, sequence % ENTRIES), value: writer.finish() },
    ]
    const page = (sequence / PAGE_EVERY) % PAGES
    if (Number.isInteger(page) && this.pageDirty[page] === 1) {
      this.pageDirty[page] = 0
      ops.push({ type: 'put', key: address(PAGE, page), value: this.page(page, sequence) })
    }
    return ops
  }

  private page(page: number, sequence: number): Buffer {
    const writer = new ByteWriter(PAGE_BYTES).u53(sequence)
    const { words } = this.leaves.sums
    for (let i = page * PAGE_WORDS; i < (page + 1) * PAGE_WORDS; i++) writer.u32(words[i] as number)
    return writer.finish()
  }

  /** @returns the number of the entry with which the page was written. */
  private readPage(key: Buffer, reader: ByteReader, sequence: number): number {
    const { words } = this.leaves.sums
    const start = (key.readUInt16BE(3) % PAGES) * PAGE_WORDS
    for (let i = start; i < start + PAGE_WORDS; i++) words[i] = reader.u32()
    return sequence
  }

  /** Leaves of pages that were written later stay as they are; what follows the page belongs into it. */
  private replay(sequence: number, changes: ByteReader, pages: readonly number[]): void {
    const { words } = this.leaves.sums
    while (changes.remaining > 0) {
      const slot = changes.u16() % SLOTS
      const page = Math.floor(slot / PAGE_SLOTS)
      const newer = sequence > (pages[page] as number)
      if (newer) this.pageDirty[page] = 1
      for (let i = 0; i < DIGEST_WORDS; i++) {
        const word = changes.u32()
        if (newer) words[slot * DIGEST_WORDS + i] = word
      }
    }
  }
}

/** 'mt', the kind, the number. */
function address(kind: number, number: number): Buffer {
  return Buffer.from([0x6d, 0x74, kind, number >>> 8, number & 0xff])
}

/** undefined where it is none. */
function readSequence(reader: ByteReader): number | undefined {
  try {
    return reader.u53()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
