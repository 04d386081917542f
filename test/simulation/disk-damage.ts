import { decodeRecord } from '../../server/causality/record-codec.ts'
import type { StorageOp } from '../../server/ports/storage.ts'
import { dataAddress } from '../../server/replica/data-address.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import type { MemoryDisk } from './memory-disk.ts'
import type { Prng } from './prng.ts'
import { DATA_RECORDS, HINT_RECORDS, recordAt, slotAt } from './record-place.ts'
import type { World } from './world.ts'

/** What is written under an address. */
interface Write {
  readonly address: Buffer
  readonly bytes: Buffer
}

/**
 * Records that a disk spoils without a word: no checksum is right afterwards, or an old record is there in the place
 * of a new one. A key is struck on one disk only, once in a seed, so that its other copies are left.
 */
export class DiskDamage {
  /** Slots of data in which digests and records do not match, for no fault of the node. */
  readonly slots = new Set<number>()
  private readonly disk: MemoryDisk
  private readonly world: World
  private readonly node: string

  constructor(components: { disk: MemoryDisk; world: World }, settings: { node: string }) {
    this.disk = components.disk
    this.world = components.world
    this.node = settings.node
    this.world.disks.push(this.disk)
  }

  /** A bit of a record flips. @returns false where there is no record that it may flip in. */
  flip(prng: Prng): boolean {
    const records = [DATA_RECORDS, HINT_RECORDS].flatMap((range) => this.disk.range(range))
    const targets = records.filter(([address]) => this.mayStrike(address))
    if (targets.length === 0) return false
    const [address, bytes] = prng.pick(targets)
    const flipped = Buffer.from(bytes)
    const bit = prng.below(8 * flipped.length)
    flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7))
    this.disk.rot({ type: 'put', key: address, value: flipped })
    this.strike(address)
    return true
  }

  /**
   * A record of the next batch that has one is written to where another one lies. No record with a version of this
   * node's own making: a node that forgets its own dots without a trace cannot keep them apart any more.
   */
  misdirectNext(prng: Prng, onDone: () => void): void {
    this.disk.distort = (batch) => {
      const sources = this.strikable(batch).filter(({ address, bytes }) => !this.mintedHere(address, bytes))
      const source = sources.length === 0 ? undefined : prng.pick(sources)
      const others = this.disk
        .range(DATA_RECORDS)
        .filter(([address]) => this.mayStrike(address) && !batch.some(({ key }) => key.equals(address)))
      if (source === undefined || others.length === 0) return batch
      this.disk.distort = undefined
      const [target] = prng.pick(others)
      // What is acknowledged of this key from now on may have a copy less than its writer is told.
      this.strike(source.address, Number.POSITIVE_INFINITY)
      this.strike(target)
      onDone()
      return batch.map((op) =>
        op.key === source.address ? { type: 'put', key: target, value: source.bytes } : op,
      )
    }
  }

  /** Of the next batch that the power cuts off, a record is on the disk by half. */
  tearNext(onDone: () => void): void {
    this.disk.tear = (batch) => {
      this.disk.tear = undefined
      const [torn] = this.strikable(batch)
      if (torn === undefined) return []
      this.strike(torn.address)
      onDone()
      const half = Buffer.alloc(torn.bytes.length)
      torn.bytes.copy(half, 0, 0, half.length >>> 1)
      return [{ type: 'put', key: torn.address, value: half }]
    }
  }

  /** No further damage. */
  heal(): void {
    this.disk.distort = undefined
    this.disk.tear = undefined
  }

  private strikable(batch: readonly StorageOp[]): Write[] {
    return batch.flatMap((op) =>
      op.type === 'put' && slotAt(op.key) !== undefined && this.mayStrike(op.key)
        ? [{ address: op.key, bytes: op.value }]
        : [],
    )
  }

  /** Only where another disk has something of the key: a node refuses to read a last copy that is damaged, for ever. */
  private mayStrike(address: Buffer): boolean {
    const key = recordAt(address)
    if (key === undefined || this.world.losses.some((loss) => loss.key === keyToText(key))) return false
    const copy = dataAddress(key)
    return this.world.disks.some((disk) => disk !== this.disk && disk.get(copy) !== undefined)
  }

  private mintedHere(address: Buffer, bytes: Buffer): boolean {
    const { siblings } = decodeRecord(recordAt(address) as Key, bytes)
    return siblings.some(({ dot }) => dot.actor.startsWith(`${this.node}.`))
  }

  private strike(address: Buffer, until = this.world.loop.now): void {
    const slot = slotAt(address)
    if (slot !== undefined) this.slots.add(slot)
    const key = keyToText(recordAt(address) as Key)
    this.world.losses.push({ from: this.world.loop.now, until, key })
  }
}
