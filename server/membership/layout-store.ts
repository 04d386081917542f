import { KvError, toKvError } from '../../shared/errors.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { SlotTable } from '../ring/slot-table.ts'
import { decodeLayout, encodeLayout, isMember, type Layout, layoutDigest } from './layout.ts'
import { VOTE_KEY } from './vote.ts'

const KEY = Buffer.from('mlayout')

export interface LayoutStoreComponents {
  readonly storage: Storage
  readonly trace: Trace
  /** Works out who owns which slot. */
  readonly place: (layout: Layout) => SlotTable
}

/** The layout that this node goes by: durable before it takes effect, and never an older or another ring's. */
export class LayoutStore {
  private readonly components: LayoutStoreComponents
  private readonly cluster: string
  private readonly listeners: ((layout: Layout) => void)[] = []
  private current: Layout | undefined
  private table: SlotTable | undefined
  private currentDigest = ''
  private adopting = false

  constructor(components: LayoutStoreComponents, settings: { cluster: string }) {
    this.components = components
    this.cluster = settings.cluster
  }

  /** @throws KvError `storage_failed` where it is unreadable, `conflict` where it is another cluster's. */
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
    if (layout.cluster !== this.cluster) {
      const why = `the data directory belongs to the cluster ${layout.cluster}, not ${this.cluster}`
      throw new KvError('conflict', why, 'check the setting of the cluster name and the data directory')
    }
    this.apply(layout)
  }

  layout(): Layout | undefined {
    return this.current
  }

  slots(): SlotTable | undefined {
    return this.table
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
   * Takes over a decided layout, durably: the first one, or a later one of the same ring. Ends any vote.
   * @returns whether it took effect. Rejects only with the storage's error.
   */
  async adopt(layout: Layout, self: string): Promise<boolean> {
    if (this.adopting || !this.supersedes(layout) || !isMember(layout, self)) return false
    // Stays set when the commit fails: what is on disk is unknown, so this node decides nothing any more.
    this.adopting = true
    await this.components.storage.commit([
      { type: 'put', key: KEY, value: encodeLayout(layout) },
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

  private supersedes(layout: Layout): boolean {
    if (layout.cluster !== this.cluster) return false
    if (this.current === undefined) return true
    return layout.ringId === this.current.ringId && layout.version > this.current.version
  }

  private apply(layout: Layout): void {
    this.current = layout
    this.currentDigest = layoutDigest(layout)
    this.table = this.components.place(layout)
  }
}
