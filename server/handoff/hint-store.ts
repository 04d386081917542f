import { KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { SLOTS, slotOf } from '../../shared/slot.ts'
import { EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { decodeRecord, encodeRecord } from '../causality/record-codec.ts'
import { winner } from '../causality/write.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import type { Minter } from '../replica/minter.ts'
import { StagedRecords, type StagedRecordsComponents } from '../replica/staged-records.ts'

export interface HintStoreComponents {
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly trace: Trace
  /** A hint on the disk is damaged: what was in it has to come from elsewhere. */
  readonly onLost?: (key: Key) => void
}

interface Hint {
  readonly bytes: number
  /** When the hinted write was made, by its stamp. */
  readonly sinceMs: number
}

interface Target {
  readonly records: StagedRecords
  /** Oldest first. */
  readonly hints: Map<Key, Hint>
}

const PAGE = 1000

/**
 * Records that this node keeps for owners that were out of reach, one for each owner and key: a later write for
 * the same key is merged into the hint that is there. The index of them is in memory, the records are on the disk
 * before they count.
 */
export class HintStore {
  private readonly components: HintStoreComponents
  private readonly maxBytes: number
  private readonly targets = new Map<NodeId, Target>()
  private readonly slotCounts = new Uint32Array(SLOTS)
  private heldBytes = 0

  constructor(components: HintStoreComponents, settings: { maxBytes: number }) {
    this.components = components
    this.maxBytes = settings.maxBytes
  }

  /** Reads the index from the disk. */
  async recover(): Promise<void> {
    const found: { target: NodeId; key: Key; hint: Hint }[] = []
    let gte = Buffer.from('h')
    for (;;) {
      const page = await this.components.storage.iterate({ gte, lt: Buffer.from('i'), limit: PAGE })
      for (const [address, bytes] of page) {
        const { target, key } = fromHintAddress(address)
        const sinceMs = this.sinceMs(target, key, bytes)
        found.push({ target, key, hint: { bytes: bytes.length, sinceMs } })
      }
      const last = page.at(-1)
      if (last === undefined) break
      gte = Buffer.concat([last[0], Buffer.of(0)])
    }
    found.sort((a, b) => a.hint.sinceMs - b.hint.sinceMs)
    for (const { target, key, hint } of found) {
      this.target(target).hints.set(key, hint)
      this.countIn(key, 1)
      this.heldBytes += hint.bytes
    }
  }

  /** Why no further hint is taken now, if so. The last one that is taken may reach over the bound. */
  refusal(): KvError | undefined {
    if (this.heldBytes < this.maxBytes) return undefined
    const full = `keeps ${this.heldBytes} bytes of hints; from ${this.maxBytes} on it takes no more`
    const why = this.maxBytes === 0 ? 'keeps no hints' : full
    return new KvError(
      'overloaded',
      `this node would have to keep a hint, and it ${why}`,
      'see: kv ring status',
    )
  }

  /** The hints for one owner, as records. */
  records(target: NodeId): StagedRecords {
    return this.target(target).records
  }

  /** The owners that hints are held for. */
  held(): readonly { target: NodeId; count: number; bytes: number; oldestMs: number }[] {
    const held = []
    for (const [target, { hints }] of this.targets) {
      if (hints.size === 0) continue
      let bytes = 0
      for (const hint of hints.values()) bytes += hint.bytes
      held.push({ target, count: hints.size, bytes, oldestMs: hints.values().next().value?.sinceMs ?? 0 })
    }
    return held
  }

  get count(): number {
    let count = 0
    for (const { hints } of this.targets.values()) count += hints.size
    return count
  }

  get bytes(): number {
    return this.heldBytes
  }

  /** How many are held for keys of the slot, durable or on their way to the disk. */
  in(slot: number): number {
    return this.slotCounts[slot] as number
  }

  /** The durable hints for a key, whoever they are for. */
  of(key: Key): readonly KeyRecord[] {
    const records: KeyRecord[] = []
    for (const target of this.targets.values()) {
      if (target.hints.has(key)) records.push(target.records.durable(key))
    }
    return records
  }

  /** The owners that a hint for the key is held for. */
  targetsOf(key: Key): readonly NodeId[] {
    const targets: NodeId[] = []
    for (const [target, { hints }] of this.targets) if (hints.has(key)) targets.push(target)
    return targets
  }

  /** Keys with a hint for the owner, oldest first. */
  keys(target: NodeId): Iterable<Key> {
    return this.target(target).hints.keys()
  }

  /**
   * The owner holds `sent`, an encoded record, durably: the hint goes, unless it has grown since.
   * @returns whether it goes.
   */
  delivered(target: NodeId, key: Key, sent: Buffer): boolean {
    const latest = this.records(target).latest(key)
    if (!encodeRecord(key, latest).equals(sent)) return false
    this.remove(target, key)
    return true
  }

  /** When the hinted write was made, wall-clock milliseconds; undefined where there is no hint. */
  madeMs(target: NodeId, key: Key): number | undefined {
    return this.target(target).hints.get(key)?.sinceMs
  }

  /** The durable hint as a record to send; undefined where it is not durable yet, or lost to the disk. */
  encoded(target: NodeId, key: Key): Buffer | undefined {
    try {
      const record = this.records(target).durable(key)
      return record === EMPTY_RECORD ? undefined : encodeRecord(key, record)
    } catch {
      this.remove(target, key)
      return undefined
    }
  }

  /** Gives up a hint that the disk has lost. */
  remove(target: NodeId, key: Key): void {
    this.components.minter.forgetHint()
    this.records(target).stage(key, EMPTY_RECORD, () => undefined)
  }

  /** A damaged hint sorts as the oldest: its replay finds the damage and reports it. */
  private sinceMs(target: NodeId, key: Key, bytes: Buffer): number {
    try {
      return stampOf(decodeRecord(key, bytes))
    } catch (error) {
      this.components.trace.event('error', 'hint.corrupt', { target, why: toKvError(error).message })
      return 0
    }
  }

  private countIn(key: Key, change: 1 | -1): void {
    const slot = slotOf(key)
    this.slotCounts[slot] = this.in(slot) + change
  }

  private target(id: NodeId): Target {
    let target = this.targets.get(id)
    if (target === undefined) {
      target = this.open(id)
      this.targets.set(id, target)
    }
    return target
  }

  private open(id: NodeId): Target {
    const { storage, commit, minter, trace } = this.components
    const hints = new Map<Key, Hint>()
    const onStage: StagedRecordsComponents['onStage'] = (key, _before, after, encoded) => {
      const old = hints.get(key)
      this.heldBytes -= old?.bytes ?? 0
      if (after === EMPTY_RECORD) {
        if (hints.delete(key)) this.countIn(key, -1)
        return
      }
      if (old === undefined) this.countIn(key, 1)
      const hint = { bytes: encoded.after?.length ?? 0, sinceMs: old?.sinceMs ?? stampOf(after) }
      hints.set(key, hint)
      this.heldBytes += hint.bytes
    }
    const onCorrupt = (key: Key, why: string) => {
      trace.event('error', 'hint.corrupt', { target: id, why })
      this.components.onLost?.(key)
      minter.forgetHint()
    }
    const records = new StagedRecords({ storage, commit, onStage, onCorrupt }, (key) => hintAddress(id, key))
    return { records, hints }
  }
}

/** 'h', the owner's id, NUL, the slot, the key. */
function hintAddress(target: NodeId, key: Key): Buffer {
  const slot = Buffer.alloc(2)
  slot.writeUInt16BE(slotOf(key))
  return Buffer.concat([Buffer.from(`h${target}\0`), slot, Buffer.from(key, 'latin1')])
}

function fromHintAddress(address: Buffer): { target: NodeId; key: Key } {
  const end = address.indexOf(0)
  return { target: address.toString('utf8', 1, end), key: address.toString('latin1', end + 3) as Key }
}

function stampOf(record: KeyRecord): number {
  return winner(record)?.stamp.wallMs ?? 0
}
