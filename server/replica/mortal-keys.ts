import type { Key } from '../../shared/key.ts'
import { SLOTS } from '../../shared/slot.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import { settlesMs } from '../causality/floor.ts'
import type { KeyRecord } from '../causality/record.ts'
import type { Storage } from '../ports/storage.ts'
import type { GroupCommit } from './group-commit.ts'

export interface MortalKeysComponents {
  readonly storage: Storage
  readonly commit: GroupCommit
}

const PREFIX = 0x78
const PAGE = 1000
const NEVER = Number.POSITIVE_INFINITY

/**
 * Whatever the policy, keys are listed by the one under which they die sooner: a change of the policy leaves the index
 * as it is. Under `siblings` some keys are looked at in vain, those of a tombstone beside a value.
 */
const INDEXED = 'lww'

/**
 * The keys whose records may go one day without another write: those of tombstones and of values that expire; and
 * those whose past has grown long. 'x', the slot (2 bytes), the key, and from when on it may go, 0 for at once: an
 * index in the batch of the data, so that nobody has to scan the data for them, and of a slot full of values that
 * live on not even the index.
 */
export class MortalKeys {
  private readonly components: MortalKeysComponents
  private readonly counts = new Uint32Array(SLOTS)
  /** Nothing in the slot dies before. */
  private readonly earliest = new Float64Array(SLOTS).fill(NEVER)
  private total = 0
  private dying = 0

  constructor(components: MortalKeysComponents) {
    this.components = components
  }

  async recover(): Promise<void> {
    for (let gte = addressOf(0, ''); ; ) {
      const page = await this.components.storage.iterate({ gte, lt: Buffer.of(PREFIX + 1), limit: PAGE })
      for (const [address, value] of page) this.list(address.readUInt16BE(1), readDeath(value))
      const last = page.at(-1)
      if (last === undefined) return
      gte = Buffer.concat([last[0], Buffer.of(0)])
    }
  }

  /** Call it for every change, when it is staged: the index goes to the disk with it. */
  replace(slot: number, key: Key, before: KeyRecord, after: KeyRecord): void {
    const was = settlesMs(before, INDEXED)
    const is = settlesMs(after, INDEXED)
    if (was === is) return
    if (was !== NEVER) this.unlist(slot, was)
    if (is !== NEVER) this.list(slot, is)
    this.components.commit.add(
      is === NEVER
        ? { type: 'del', key: addressOf(slot, key) }
        : { type: 'put', key: addressOf(slot, key), value: new ByteWriter(8).u53(is).finish() },
    )
  }

  /** The key is listed although its record says otherwise: what was listed was lost to the disk. */
  strike(slot: number, key: Key): void {
    const { storage, commit } = this.components
    const address = addressOf(slot, key)
    const listed = storage.get(address)
    if (listed === undefined) return
    this.unlist(slot, readDeath(listed))
    commit.add({ type: 'del', key: address })
  }

  in(slot: number): number {
    return this.counts[slot] as number
  }

  /** Whether anything of the slot may be dead by then. */
  anyDead(slot: number, wallMs: number): boolean {
    return (this.earliest[slot] as number) <= wallMs
  }

  get size(): number {
    return this.total
  }

  /** Of them, those that go at a time of their own. */
  get expiring(): number {
    return this.dying
  }

  /** The keys of the slot that are dead by `wallMs`, in byte order, a page at a time. */
  async *dead(slot: number, wallMs: number): AsyncGenerator<readonly Key[]> {
    // What is listed from now on lowers it again.
    const before = this.earliest[slot] as number
    this.earliest[slot] = NEVER
    let complete = false
    try {
      await this.listed()
      for (let gte = addressOf(slot, ''); ; ) {
        const page = await this.components.storage.iterate({ gte, lt: addressOf(slot + 1, ''), limit: PAGE })
        const keys: Key[] = []
        for (const [address, value] of page) {
          const death = readDeath(value)
          this.lower(slot, death)
          if (death <= wallMs) keys.push(address.toString('latin1', 3) as Key)
        }
        if (keys.length > 0) yield keys
        const last = page.at(-1)
        complete = last === undefined
        if (last === undefined) return
        gte = Buffer.concat([last[0], Buffer.of(0)])
      }
    } finally {
      if (!complete) this.lower(slot, before)
    }
  }

  /** Resolves when all that has been listed is on the disk: it would not be found there before. */
  private listed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.components.commit.barrier((error) => (error === undefined ? resolve() : reject(error)))
    })
  }

  private list(slot: number, death: number): void {
    this.counts[slot] = this.in(slot) + 1
    this.total++
    if (death > 0) this.dying++
    this.lower(slot, death)
  }

  private unlist(slot: number, death: number): void {
    this.counts[slot] = this.in(slot) - 1
    this.total--
    if (death > 0) this.dying--
  }

  private lower(slot: number, death: number): void {
    if (death < (this.earliest[slot] as number)) this.earliest[slot] = death
  }
}

/** Whether the record is none of those that are listed. */
export function isImmortal(record: KeyRecord): boolean {
  return settlesMs(record, INDEXED) === NEVER
}

function readDeath(value: Buffer): number {
  return value.length === 8 ? new ByteReader(value).u53() : 0
}

function addressOf(slot: number, key: string): Buffer {
  const address = Buffer.alloc(3 + key.length)
  address[0] = PREFIX
  address.writeUInt16BE(slot, 1)
  address.write(key, 3, 'latin1')
  return address
}
