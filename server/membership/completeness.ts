import { toKvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage, StorageOp } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import type { Layout } from './layout.ts'

const KEY = Buffer.from('mcomplete')

export interface CompletenessRing {
  slots(): SlotTable | undefined
  onLayout(fn: (layout: Layout) => void): void
}

export interface CompletenessComponents {
  readonly storage: Storage
  readonly trace: Trace
  readonly ring: CompletenessRing
}

/**
 * Whether this node's disk still holds what the node has acknowledged. One that was emptied, replaced, or put back to
 * a copy does not: until it has been compared with every other owner of a slot, what it says of that slot counts for
 * no quorum of a read. (A quorum with an owner that has forgotten meets no earlier one.)
 *
 * A disk says of itself that it is complete, in the name of the ring and of its incarnation: from the founding of the
 * ring on, in which it took part before there was anything to hold, or since it was filled. A copy has another
 * incarnation, and an empty disk says nothing.
 */
export class Completeness {
  private readonly components: CompletenessComponents
  private readonly settings: { readonly id: NodeId; readonly incarnation: string }
  private readonly compared = new Set<NodeId>()
  /** How often the disk was doubted. */
  doubts = 0
  private ringId = ''
  private whole = false

  constructor(components: CompletenessComponents, settings: { id: NodeId; incarnation: string }) {
    this.components = components
    this.settings = settings
    components.ring.onLayout((layout) => this.follow(layout))
  }

  /** What this node holds of any slot is all that it should. */
  get everywhere(): boolean {
    return this.whole
  }

  /** What this node holds of the slot is all that it should; true where it does not own it. */
  of(slot: number): boolean {
    if (this.whole) return true
    const owners = this.components.ring.slots()?.owners(slot)
    if (owners === undefined) return false
    const { id } = this.settings
    return !owners.includes(id) || owners.every((owner) => owner === id || this.compared.has(owner))
  }

  /** Slots of which it is not. */
  get unfilled(): number {
    if (this.whole) return 0
    const owned = this.components.ring.slots()?.ownerSlots(this.settings.id) ?? []
    return owned.filter((slot) => !this.of(slot)).length
  }

  /** The owners of common slots with whom this node has to be compared yet. */
  lacking(): readonly NodeId[] {
    const table = this.components.ring.slots()
    if (this.whole || table === undefined) return []
    const { id } = this.settings
    return table.members.filter(
      (peer) => peer !== id && !this.compared.has(peer) && table.sharedSlots(id, peer).length > 0,
    )
  }

  /**
   * This node holds all that the peer holds of their common slots, and nobody keeps a hint for the peer.
   * @param doubts when the comparison began: it says nothing of what was found to be lost since.
   */
  comparedWith(peer: NodeId, doubts: number): void {
    if (this.whole || doubts !== this.doubts || !this.lacking().includes(peer)) return
    this.compared.add(peer)
    if (this.lacking().length === 0) this.conclude()
  }

  /**
   * The disk has lost some of what it held, as peers remember, or a scrub has found. @returns what makes that durable.
   */
  doubt(): StorageOp {
    this.doubts++
    this.whole = false
    this.compared.clear()
    this.whole = this.lacking().length === 0
    this.components.trace.event('warn', 'disk.doubted', { lacking: this.lacking() })
    return { type: 'del', key: KEY }
  }

  private follow({ ringId }: Layout): void {
    if (this.ringId === ringId) return
    const { storage, trace } = this.components
    this.ringId = ringId
    this.compared.clear()
    const stored = storage.get(KEY)
    this.whole = stored?.equals(statement(ringId, this.settings.incarnation)) ?? false
    if (this.whole) return
    const lacking = this.lacking()
    if (lacking.length === 0) this.conclude()
    else trace.event('warn', 'disk.incomplete', { lacking })
  }

  private conclude(): void {
    const { storage, trace } = this.components
    storage.commit([completeOp(this.ringId, this.settings.incarnation)]).then(
      () => {
        if (this.lacking().length > 0) return
        this.whole = true
        trace.event('info', 'disk.complete', {})
      },
      (error) => trace.event('error', 'disk.complete.not_stored', { why: toKvError(error).message }),
    )
  }
}

/** Whoever votes for a ring holds all that there is in it: nothing yet. */
export function completeOp(ringId: string, incarnation: string): StorageOp {
  return { type: 'put', key: KEY, value: statement(ringId, incarnation) }
}

function statement(ringId: string, incarnation: string): Buffer {
  return Buffer.from(`${ringId} ${incarnation}`)
}
