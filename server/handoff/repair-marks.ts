import { SLOTS } from '../../shared/slot.ts'
import type { Storage } from '../ports/storage.ts'
import type { Durable, GroupCommit } from '../replica/group-commit.ts'

/** A slot of which an owner may lack something that nobody keeps for it any more. */
export interface RepairMark {
  readonly slot: number
  /** Tells a mark from the one that is made when the slot is marked again. */
  readonly serial: number
}

/** What hand-off leaves to anti-entropy. */
export interface RepairMarks {
  mark(slot: number): void
  /** In slot order. */
  marked(): readonly RepairMark[]
  /** The slot has been repaired since the mark was taken: it goes, unless the slot was marked again meanwhile. */
  clear(mark: RepairMark): void
}

const FIRST = Buffer.from('mr')
const END = Buffer.from('ms')
const NOTHING = Buffer.alloc(0)
const PAGE = 1000

/**
 * Marks that outlast the process: 'mr' and the slot (2 bytes). One that is made together with a change, in the same
 * turn, goes to the disk in the same batch, as GroupCommit has it.
 */
export class DurableRepairMarks implements RepairMarks {
  private readonly components: { storage: Storage; commit: GroupCommit }
  private readonly serials = new Map<number, number>()
  private readonly listeners: (() => void)[] = []
  private nextSerial = 1

  constructor(components: { storage: Storage; commit: GroupCommit }) {
    this.components = components
  }

  async recover(): Promise<void> {
    let gte = FIRST
    for (;;) {
      const page = await this.components.storage.iterate({ gte, lt: END, limit: PAGE })
      for (const [address] of page) {
        const slot = address.length === 4 ? address.readUInt16BE(2) : SLOTS
        if (slot < SLOTS) this.serials.set(slot, this.nextSerial++)
      }
      const last = page.at(-1)
      if (last === undefined) return
      gte = Buffer.concat([last[0], Buffer.of(0)])
    }
  }

  /** Calls back when the mark is durable. */
  mark(slot: number, done?: Durable): void {
    const fresh = !this.serials.has(slot)
    this.serials.set(slot, this.nextSerial++)
    // A mark that is there may still be on its way to the disk: commits become durable in their order.
    if (fresh || done !== undefined) {
      this.components.commit.add({ type: 'put', key: addressOf(slot), value: NOTHING }, done)
    }
    if (fresh) for (const listener of this.listeners) listener()
  }

  marked(): readonly RepairMark[] {
    return [...this.serials].map(([slot, serial]) => ({ slot, serial })).sort((a, b) => a.slot - b.slot)
  }

  clear({ slot, serial }: RepairMark): void {
    if (this.serials.get(slot) !== serial) return
    this.serials.delete(slot)
    this.components.commit.add({ type: 'del', key: addressOf(slot) })
  }

  has(slot: number): boolean {
    return this.serials.has(slot)
  }

  get count(): number {
    return this.serials.size
  }

  /** Told whenever a slot is marked that was not. */
  onMark(listener: () => void): void {
    this.listeners.push(listener)
  }
}

function addressOf(slot: number): Buffer {
  const address = Buffer.alloc(4)
  FIRST.copy(address)
  address.writeUInt16BE(slot, 2)
  return address
}
