import { SLOTS } from '../../shared/slot.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import {
  type Floor,
  floorDigest,
  joinFloors,
  NO_FLOOR,
  reaches,
  readFloor,
  writeFloor,
} from '../causality/floor.ts'
import type { VersionVector } from '../causality/record.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { Durable, GroupCommit } from './group-commit.ts'

/** What this node promised when it was asked whether the tombstones of a slot may go. */
export interface FloorPromise {
  /** Names the round of the one who asked. */
  readonly round: string
  readonly vector: VersionVector
  /** What it then said that it holds: the sum of the slot's records, and their number. */
  readonly held?: Uint32Array
}

const FIRST = Buffer.from('mf')
const END = Buffer.from('mg')
const PAGE = 1000
const FORMAT = 2
const NO_VECTOR: VersionVector = new Map()

/**
 * The floors of the slots: 'mf' and the slot (2 bytes) on the disk. They claim that nothing is missing below them, so
 * a slot of which the disk has lost something has none any more.
 *
 * Promises are kept in memory only: what they keep out is messages that were sent before them, and a process that is
 * started anew gets no message that was sent to its predecessor.
 */
export class Floors {
  /** Rises with every change. */
  version = 0
  private readonly components: { storage: Storage; commit: GroupCommit; trace: Trace }
  private readonly floors = new Map<number, Floor>()
  private readonly digests = new Uint32Array(SLOTS)
  private readonly promises = new Map<number, FloorPromise>()
  private readonly adoptions = new Map<number, Floor>()

  constructor(components: { storage: Storage; commit: GroupCommit; trace: Trace }) {
    this.components = components
  }

  /** A floor that cannot be read counts as none: the slot's tombstones are then kept as if it had never had one. */
  async recover(): Promise<void> {
    let gte = FIRST
    for (;;) {
      const page = await this.components.storage.iterate({ gte, lt: END, limit: PAGE })
      for (const [address, bytes] of page) {
        const slot = address.length === FIRST.length + 2 ? address.readUInt16BE(FIRST.length) : SLOTS
        const floor = readStored(bytes)
        if (slot < SLOTS && floor !== undefined) this.set(slot, floor)
        else this.components.trace.event('error', 'floor.corrupt', { slot })
      }
      const last = page.at(-1)
      if (last === undefined) return
      gte = Buffer.concat([last[0], Buffer.of(0)])
    }
  }

  of(slot: number): Floor {
    return this.floors.get(slot) ?? NO_FLOOR
  }

  /** Tells floors apart; 0 where the slot has none. */
  digest(slot: number): number {
    return this.digests[slot] as number
  }

  get count(): number {
    return this.floors.size
  }

  /** Slots with a floor. */
  slots(): IterableIterator<number> {
    return this.floors.keys()
  }

  /** Calls back when it is durable. */
  raise(slot: number, floor: Floor, done?: Durable): void {
    const before = this.of(slot)
    this.adoptions.delete(slot)
    if (!reaches(before, floor)) this.set(slot, joinFloors(before, floor))
    const value = new ByteWriter(64).u8(FORMAT)
    this.components.commit.add(
      { type: 'put', key: addressOf(slot), value: writeFloor(value, this.of(slot)).finish() },
      done,
    )
  }

  /** Something of the slot was lost here: nothing may be taken for deleted because it is missing. */
  forget(slot: number): void {
    this.adoptions.delete(slot)
    const promise = this.promises.get(slot)
    // The round that it was given in has counted what is lost: it must not end in a floor here.
    if (promise !== undefined) this.promises.set(slot, { ...promise, round: '' })
    if (!this.floors.delete(slot)) return
    this.digests[slot] = 0
    this.version++
    this.components.commit.add({ type: 'del', key: addressOf(slot) })
  }

  /** From now on no write of the slot up to `vector` is taken that is not here yet. */
  promise(slot: number, promise: FloorPromise): void {
    this.promises.set(slot, promise)
  }

  /** What this node says that it holds, in the round of its promise. */
  say(slot: number, held: Uint32Array): void {
    const promise = this.promises.get(slot)
    if (promise !== undefined) this.promises.set(slot, { ...promise, held })
  }

  promised(slot: number): VersionVector {
    return this.promises.get(slot)?.vector ?? NO_VECTOR
  }

  /** Whether anything may have to be kept out. */
  get guarding(): boolean {
    return this.promises.size > 0 || this.floors.size > 0 || this.adoptions.size > 0
  }

  /**
   * The slot is being compared with an owner whose floor is higher: until `raise`, `giveUp` or `forget`, only that owner
   * can bring what lies below it.
   */
  adopt(slot: number, floor: Floor): void {
    this.adoptions.set(slot, floor)
  }

  giveUp(slot: number): void {
    this.adoptions.delete(slot)
  }

  adopting(slot: number): Floor {
    return this.adoptions.get(slot) ?? NO_FLOOR
  }

  /** Whether the promise for the slot is the one that was given in this round. */
  holds(slot: number, round: string): boolean {
    return this.promises.get(slot)?.round === round
  }

  /** Whether it is, and this node holds what it said that it does. */
  stillHolds(slot: number, round: string, held: Uint32Array): boolean {
    const said = this.holds(slot, round) ? this.promises.get(slot)?.held : undefined
    return said?.every((word, i) => word === held[i]) ?? false
  }

  private set(slot: number, floor: Floor): void {
    this.floors.set(slot, floor)
    this.digests[slot] = floorDigest(floor)
    this.version++
  }
}

function readStored(bytes: Buffer): Floor | undefined {
  try {
    const reader = new ByteReader(bytes)
    if (reader.u8() !== FORMAT) return undefined
    const floor = readFloor(reader)
    reader.done()
    return floor
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function addressOf(slot: number): Buffer {
  const address = Buffer.alloc(FIRST.length + 2)
  FIRST.copy(address)
  address.writeUInt16BE(slot, FIRST.length)
  return address
}
