import { KvError, toKvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import type { Storage, StorageOp } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import {
  decodeLayout,
  encodeLayout,
  isMember,
  type Layout,
  layoutDigest,
  membersAt,
  placedIn,
  wasRemoved,
} from './layout.ts'
import { decodeVote, VOTE_KEY } from './vote.ts'

const KEY = Buffer.from('mlayout')
const VOTER_KEY = Buffer.from('mlayout.voter')

export interface LayoutStoreComponents {
  readonly storage: Storage
  readonly trace: Trace
  /** Works out who owns which slot. */
  readonly place: (layout: Layout) => SlotTable
}

/**
 * The layout that this node goes by: durable before it takes effect, and never an older or another ring's. And from
 * which number on this disk may have a say in the next ones: one that has not been there from the founding of the ring
 * on, or was put back, may have forgotten what it has promised about the next.
 */
export class LayoutStore {
  private readonly components: LayoutStoreComponents
  private readonly settings: { readonly id: NodeId; readonly cluster: string; readonly incarnation: string }
  private readonly listeners: ((layout: Layout) => void)[] = []
  private current: Layout | undefined
  private table: SlotTable | undefined
  private former: ReadonlySet<NodeId> = new Set()
  private placed = 0
  private currentDigest = ''
  private adopting = false
  private firstVote = Number.POSITIVE_INFINITY

  constructor(
    components: LayoutStoreComponents,
    settings: { id: NodeId; cluster: string; incarnation: string },
  ) {
    this.components = components
    this.settings = settings
  }

  /**
   * @throws KvError `storage_failed` where it is unreadable, `conflict` where it is another cluster's, or the ring has
   * removed this node.
   */
  load(): void {
    const bytes = this.components.storage.get(KEY)
    if (bytes === undefined) return
    let layout: Layout
    try {
      layout = decodeLayout(bytes)
    } catch (error) {
      const why = `the stored layout is unreadable: ${toKvError(error).message}`
      throw new KvError('storage_failed', why, 'wipe the data directory; the other owners fill it again')
    }
    const { cluster, incarnation } = this.settings
    if (layout.cluster !== cluster) {
      const why = `the data directory belongs to the cluster ${layout.cluster}, not ${cluster}`
      throw new KvError('conflict', why, 'check the setting of the cluster name and the data directory')
    }
    const [first, of] = this.components.storage.get(VOTER_KEY)?.toString().split(' ') ?? []
    this.firstVote = of === incarnation ? Number(first) : layout.version + 2
    this.apply(layout)
    const expulsion = this.expulsion()
    if (expulsion !== undefined) throw expulsion
  }

  /** Why this node has no part in the ring any more, if so. */
  expulsion(): KvError | undefined {
    const { id } = this.settings
    const removed = this.current?.former.find((member) => member.id === id)
    if (removed === undefined) return undefined
    return new KvError(
      'conflict',
      `${id} was removed from the ring ${this.current?.cluster} in layout ${removed.removedIn}`,
      'its data is of no use to the ring any more: the data directory may be deleted',
    )
  }

  /** Whether this disk remembers all that it may have promised about the layout with that number. */
  mayVoteOn(version: number): boolean {
    return version >= this.firstVote
  }

  /**
   * The disk was put back, as peers remember: until a layout has been decided without it, nobody knows what it has
   * promised. @returns what makes that durable.
   */
  forgetPromises(): StorageOp {
    this.firstVote = Number.POSITIVE_INFINITY
    return this.firstVoteOp(this.firstVote)
  }

  layout(): Layout | undefined {
    return this.current
  }

  /** undefined without a layout, or in one that has removed this node. */
  slots(): SlotTable | undefined {
    return this.table
  }

  /** Who owned what in the layout with that number, as far as members have been removed since. */
  slotsAt(version: number): SlotTable | undefined {
    const { current, table } = this
    if (current === undefined || version >= placedIn(current)) return table
    return this.components.place({ ...current, ...membersAt(current, version) })
  }

  /** The number of the layout since which the slots have had their owners; 0 without one. */
  get placedIn(): number {
    return this.placed
  }

  /** The node was taken out of the ring. */
  removed(id: NodeId): boolean {
    return this.former.has(id)
  }

  /** '' without a layout. */
  digest(): string {
    return this.currentDigest
  }

  /** True while a layout is on its way to the disk: whoever votes meanwhile might found a second ring. */
  busy(): boolean {
    return this.adopting
  }

  onLayout(listener: (layout: Layout) => void): void {
    this.listeners.push(listener)
  }

  /**
   * Takes over a decided layout, durably: the first one, or a later one of the same ring, of which this node is a
   * member, or that removes it. Ends any vote.
   * @returns whether it took effect. Rejects only with the storage's error.
   */
  async adopt(layout: Layout): Promise<boolean> {
    const { id } = this.settings
    if (this.adopting || !this.supersedes(layout)) return false
    if (!isMember(layout, id) && !(wasRemoved(layout, id) && this.current !== undefined)) return false
    // Stays set when the commit fails: what is on disk is unknown, so this node decides nothing any more.
    this.adopting = true
    const { storage } = this.components
    const vote = this.current === undefined ? storage.get(VOTE_KEY) : undefined
    const founds = vote !== undefined && decodeVote(vote).layout.ringId === layout.ringId
    // At once: a doubt of the disk that is told meanwhile comes after it.
    this.firstVote = Math.min(this.firstVote, founds ? 2 : layout.version + 2)
    await storage.commit([
      { type: 'put', key: KEY, value: encodeLayout(layout) },
      this.firstVoteOp(this.firstVote),
      { type: 'del', key: VOTE_KEY },
    ])
    this.adopting = false
    this.apply(layout)
    const members = layout.members.map((member) => member.id)
    this.components.trace.event('info', 'layout.adopted', {
      version: layout.version,
      ring: layout.ringId,
      members,
    })
    for (const listener of this.listeners) listener(layout)
    return true
  }

  private firstVoteOp(version: number): StorageOp {
    return { type: 'put', key: VOTER_KEY, value: Buffer.from(`${version} ${this.settings.incarnation}`) }
  }

  private supersedes(layout: Layout): boolean {
    if (layout.cluster !== this.settings.cluster) return false
    if (this.current === undefined) return true
    return layout.ringId === this.current.ringId && layout.version > this.current.version
  }

  private apply(layout: Layout): void {
    this.current = layout
    this.currentDigest = layoutDigest(layout)
    this.placed = placedIn(layout)
    this.former = new Set(layout.former.map(({ id }) => id))
    // Where this node was removed it has no place in the ring any more, and knows of none.
    this.table = this.former.has(this.settings.id) ? undefined : this.components.place(layout)
  }
}
