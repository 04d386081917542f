import { toKvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage, StorageOp } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { type Layout, placedIn } from './layout.ts'
import { FILLED, filled, type Unfilled, unfilledOf } from './unfilled.ts'

const KEY = Buffer.from('mcomplete')

export interface CompletenessRing {
  readonly layouts: {
    slots(): SlotTable | undefined
    /** Who owned what in the layout with that number; undefined without a layout. */
    slotsAt(version: number): SlotTable | undefined
  }
  onLayout(fn: (layout: Layout) => void): void
}

export interface CompletenessComponents {
  readonly storage: Storage
  readonly trace: Trace
  readonly ring: CompletenessRing
  /** Slots have been given to this node: what it remembers of them is from a time when it did not own them. */
  readonly onGained: (slots: Iterable<number>) => void
}

const NONE: ReadonlySet<number> = new Set()

/**
 * Whether this node's disk holds what it should: all that the node has acknowledged, and what there was of a slot
 * before the node was given it. A disk that was emptied, replaced, or put back to a copy does not, nor one of a node
 * that has just taken the place of another: until it has been compared with every other owner of a slot, what it
 * says of that slot counts for no quorum of a read. (A quorum with an owner that has forgotten, or never knew, meets no
 * earlier one.)
 *
 * A disk says of itself that it is complete, in the name of the ring, of its incarnation, and of the layout since which
 * the slots have had their owners: from the founding of the ring on, in which it took part before there was
 * anything to hold, or since it was filled. A copy has another incarnation, and an empty disk says nothing.
 */
export class Completeness {
  private readonly components: CompletenessComponents
  private readonly settings: { readonly id: NodeId; readonly incarnation: string }
  private readonly compared = new Set<NodeId>()
  /** How often the disk was doubted, or given slots. */
  doubts = 0
  private ringId = ''
  private placed = 0
  /** Slots to be filled; undefined: whatever it owns. */
  private missing: ReadonlySet<number> | undefined = NONE
  private whole = false
  /** As of that table. */
  private seen: { readonly table: SlotTable; readonly unfilled: Unfilled } | undefined

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
    if (this.whole || this.missing?.has(slot) === false) return true
    const owners = this.components.ring.layouts.slots()?.owners(slot)
    return owners !== undefined && filled(owners, this.settings.id, this.compared)
  }

  /** Slots of which it is not. */
  get unfilled(): number {
    return this.view().slots
  }

  /** Every slot that is being filled has as many other owners within reach as a read of it needs. */
  readable(r: number, reachable: (id: NodeId) => boolean): boolean {
    return this.view().groups.every((others) => others.filter(reachable).length >= r)
  }

  /** The owners of common slots with whom this node has to be compared yet. */
  lacking(): readonly NodeId[] {
    return this.view().lacking
  }

  /**
   * This node holds all that the peer holds of their common slots, and nobody keeps a hint for the peer.
   * @param doubts when the comparison began: it says nothing of what was found to be lost, or was given, since.
   */
  comparedWith(peer: NodeId, doubts: number): void {
    if (this.whole || doubts !== this.doubts || !this.lacking().includes(peer)) return
    this.compared.add(peer)
    this.seen = undefined
    if (this.lacking().length === 0) this.conclude()
  }

  /**
   * The disk has lost some of what it held, as peers remember, or a scrub has found. @returns what makes that durable.
   */
  doubt(): StorageOp {
    this.doubts++
    this.missing = undefined
    this.whole = false
    this.compareAnew()
    this.whole = this.lacking().length === 0
    this.components.trace.event('warn', 'disk.doubted', { lacking: this.lacking() })
    return { type: 'del', key: KEY }
  }

  /** Looked at with every heartbeat, so that it is worked out only when something has changed. */
  private view(): Unfilled {
    const table = this.components.ring.layouts.slots()
    if (this.whole || table === undefined) return FILLED
    if (this.seen?.table !== table) {
      const { id } = this.settings
      const due = this.missing ?? table.ownerSlots(id)
      this.seen = { table, unfilled: unfilledOf(table, due, id, this.compared) }
    }
    return this.seen.unfilled
  }

  private compareAnew(): void {
    this.compared.clear()
    this.seen = undefined
  }

  private follow(layout: Layout): void {
    const placed = placedIn(layout)
    if (this.ringId === layout.ringId && this.placed === placed) return
    if (this.ringId !== layout.ringId) this.recall(layout.ringId)
    if (this.placed < placed) this.takeOver(placed)
    else if (this.whole) return
    const lacking = this.lacking()
    if (lacking.length === 0) this.conclude()
    else this.components.trace.event('warn', 'disk.incomplete', { lacking })
  }

  private recall(ringId: string): void {
    const stated = storedPlace(this.components.storage.get(KEY), ringId, this.settings.incarnation)
    this.ringId = ringId
    this.compareAnew()
    this.placed = Math.max(1, stated)
    this.missing = stated === 0 ? undefined : NONE
    this.whole = stated > 0
  }

  /** Slots have changed hands since the layout that the disk was complete in, or was being filled in. */
  private takeOver(placed: number): void {
    const { ring, onGained } = this.components
    const [before, now] = [ring.layouts.slotsAt(this.placed), ring.layouts.slots()]
    this.placed = placed
    if (before === undefined || now === undefined) return
    const gained = now.gained(before, this.settings.id)
    if (gained.length === 0) return
    onGained(gained)
    this.doubts++
    this.compareAnew()
    if (this.missing !== undefined) this.missing = new Set([...this.missing, ...gained])
    this.whole = false
  }

  private conclude(): void {
    const { storage, trace } = this.components
    storage.commit([completeOp(this.ringId, this.settings.incarnation, this.placed)]).then(
      () => {
        if (this.whole || this.lacking().length > 0) return
        this.whole = true
        this.missing = NONE
        trace.event('info', 'disk.complete', {})
      },
      (error) => trace.event('error', 'disk.complete.not_stored', { why: toKvError(error).message }),
    )
  }
}

/** Whoever votes for a ring holds all that there is in it: nothing yet. */
export function completeOp(ringId: string, incarnation: string, placed = 1): StorageOp {
  return { type: 'put', key: KEY, value: Buffer.from(`${ringId} ${incarnation} ${placed}`) }
}

/** The number of the layout in which the disk says that it was complete; 0 where it does not. */
function storedPlace(stored: Buffer | undefined, ringId: string, incarnation: string): number {
  const [ofRing, of, placed = '1'] = stored?.toString().split(' ') ?? []
  return ofRing === ringId && of === incarnation ? Number(placed) : 0
}
