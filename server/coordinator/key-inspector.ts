import type { NodeState } from '../../shared/api.ts'
import type { Counters } from '../../shared/counters.ts'
import { encodeKey } from '../../shared/encoding.ts'
import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import type { KeyRepairResult, KeyReport } from '../../shared/key-report.ts'
import { slotOf } from '../../shared/slot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { EMPTY_RECORD } from '../causality/record.ts'
import { encodeRecord } from '../causality/record-codec.ts'
import { versionOf } from '../causality/version.ts'
import type { Inspector } from '../handoff/inspector.ts'
import type { Layout } from '../membership/layout.ts'
import type { NodeId } from '../ports/network.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { INSPECT } from '../rpc/inspect-method.ts'
import type { Rpc } from '../rpc/method.ts'
import type { Holders } from './holders.ts'
import { type Holding, holdingOf, mergedOf, type Place, unanswered } from './holding.ts'
import { isSound, keyReport } from './key-report.ts'
import type { RingView } from './ring-view.ts'

export interface KeyInspectorComponents {
  readonly rpc: Rpc
  readonly ring: RingView & { state(id: NodeId): NodeState }
  readonly inspector: Inspector
  readonly holders: Holders
  readonly hybrid: HybridClock
  readonly counters: Counters
}

export interface KeyInspectorSettings {
  readonly id: NodeId
  readonly requestTimeoutMs: number
}

/** Each may hold every node's copy of a key in memory; one more is refused. */
const MAX_UNDER_WAY = 16
/** A node that is taken to be out of reach is asked all the same, but not waited for as long, milliseconds. */
const DOUBTFUL_MS = 1_000

/** Looks at all copies of one key, and mends them: what people reach for when a read puzzles them. */
export class KeyInspector {
  private readonly components: KeyInspectorComponents
  private readonly settings: KeyInspectorSettings
  private underWay = 0

  constructor(components: KeyInspectorComponents, settings: KeyInspectorSettings) {
    this.components = components
    this.settings = settings
  }

  /** Rejects with a KvError: `not_ready` before the first layout, `overloaded` where too many are under way. */
  async explain(key: Key, timeoutMs = this.settings.requestTimeoutMs): Promise<KeyReport> {
    const { ring, hybrid } = this.components
    const { layout, holdings } = await this.gather(key, timeoutMs)
    return keyReport(key, holdings, {
      n: layout.n,
      policy: layout.conflicts,
      wallMs: hybrid.wallMs(),
      hintsElsewhere: (owner) => ring.mayHoldHintsElsewhere(owner),
    })
  }

  /**
   * Merges what all nodes hold of the key, hints included, and stores that at each owner that lacks any of it. They
   * merge it in their turn, so a repair that arrives after a newer write takes nothing back.
   */
  async repair(key: Key, timeoutMs = this.settings.requestTimeoutMs): Promise<KeyRepairResult> {
    const { holdings } = await this.gather(key, timeoutMs / 2)
    const merged = mergedOf(holdings)
    const owners = holdings.filter(({ role }) => role === 'owner')
    const sound = owners.filter((owner) => isSound(key, owner, merged))
    const behind = owners.filter((owner) => owner.answered && !sound.includes(owner))
    const failed = owners.filter((owner) => !owner.answered).map(({ id, problem }) => ({ id, why: problem }))
    const mended: NodeId[] = []
    // Where nobody holds a record, a damaged copy cannot be made good from any other.
    const bytes = merged === EMPTY_RECORD ? undefined : encodeRecord(key, merged)
    const stores = behind.map(async ({ id, problem }) => {
      const why = bytes === undefined ? problem : await this.store(id, key, bytes, timeoutMs / 2)
      if (why === '') mended.push(id)
      else failed.push({ id, why })
    })
    await Promise.all(stores)
    return {
      ...encodeKey(key),
      slot: slotOf(key),
      versions: merged.siblings.map((sibling) => versionOf([sibling])),
      mended,
      sound: sound.map(({ id }) => id),
      failed,
      unseen: holdings.filter(({ answered }) => !answered).map(({ id }) => id),
      complete: failed.length === 0,
    }
  }

  /** @returns '' when it is durable there, else why it may not be. */
  private store(owner: NodeId, key: Key, bytes: Buffer, timeoutMs: number): Promise<string> {
    this.components.counters.add('key_repairs_total')
    return new Promise((resolve) => {
      this.components.holders.mend(owner, key, bytes, timeoutMs, (error) => {
        resolve(error === undefined ? '' : error.message)
      })
    })
  }

  private async gather(key: Key, timeoutMs: number): Promise<{ layout: Layout; holdings: Holding[] }> {
    const { layout, slots } = this.formed()
    if (this.underWay >= MAX_UNDER_WAY) {
      throw new KvError('overloaded', `${this.underWay} keys are being inspected here`, 'try again')
    }
    this.underWay++
    const slot = slotOf(key)
    const places = slots.preference(slot).map(
      (id): Place => ({
        id,
        role: slots.isOwner(slot, id) ? 'owner' : 'fallback',
        state: this.components.ring.state(id),
      }),
    )
    const holdings = await Promise.all(places.map((place) => this.ask(key, place, timeoutMs)))
    this.underWay--
    return { layout, holdings }
  }

  private ask(key: Key, place: Place, timeoutMs: number): Promise<Holding> {
    const { rpc, ring, inspector } = this.components
    const { id } = place
    if (id === this.settings.id) return Promise.resolve(holdingOf(key, place, inspector.inspect(key)))
    const patienceMs = ring.reachable(id) ? timeoutMs : Math.min(timeoutMs, DOUBTFUL_MS)
    return new Promise((resolve) => {
      rpc.call(id, INSPECT, { key }, patienceMs, (error, inspection) => {
        if (inspection !== undefined) resolve(holdingOf(key, place, inspection))
        else resolve(unanswered(place, `not reached: ${error?.message ?? ''}`))
      })
    })
  }

  private formed(): { layout: Layout; slots: SlotTable } {
    const layout = this.components.ring.layout()
    const slots = this.components.ring.slots()
    if (layout !== undefined && slots !== undefined) return { layout, slots }
    throw new KvError('not_ready', 'the ring is not formed yet', 'try again, or see: kv ring status')
  }
}
