import type { TombstonesStatus } from '../../shared/api.ts'
import type { NodeId } from '../ports/network.ts'
import type { Rpc } from '../rpc/method.ts'
import { Burial } from './burial.ts'
import { CollectionServer, type CollectionServerComponents } from './collection-server.ts'
import { Collector, type CollectorComponents } from './collector.ts'

export interface CollectionComponents
  extends Omit<CollectionServerComponents, 'burial'>,
    Omit<CollectorComponents, 'server'> {
  readonly rpc: Rpc
}

export interface CollectionSettings {
  readonly id: NodeId
  /** No tombstone is collected before it is this old, milliseconds; 0 keeps them all. */
  readonly tombstoneMinAgeMs?: number | undefined
}

/**
 * Longer than anyone tries a request again, and than clocks may differ: a value that has expired by the clock of the
 * node that asks has then expired by all of them.
 */
export const DEFAULT_TOMBSTONE_MIN_AGE_MS = 120_000

/** All that becomes of tombstones, and of values that have expired. */
export class Collection {
  readonly burial: Burial
  private readonly components: CollectionComponents
  private readonly server: CollectionServer
  private readonly collector: Collector
  private readonly self: NodeId

  constructor(components: CollectionComponents, settings: CollectionSettings) {
    this.components = components
    this.self = settings.id
    this.burial = new Burial(components)
    this.server = new CollectionServer({ ...components, burial: this.burial }, settings)
    this.collector = new Collector(
      { ...components, server: this.server },
      { id: settings.id, minAgeMs: settings.tombstoneMinAgeMs ?? DEFAULT_TOMBSTONE_MIN_AGE_MS },
    )
  }

  start(): void {
    const { floors, rpc } = this.components
    this.server.serve(rpc)
    // What was interrupted by the end of the process.
    void this.burial.bury([...floors.slots()]).catch(() => undefined)
    this.collector.start()
  }

  stop(): void {
    this.collector.stop()
    this.burial.stop()
  }

  /** @param tombstones keys of this node of which only tombstones are left. */
  status(tombstones: number): TombstonesStatus {
    const { mortal, floors } = this.components
    return {
      node: this.self,
      tombstones,
      expiring: mortal.expiring,
      collected: this.burial.buried,
      slotsSettled: floors.count,
      slotsHeldUp: this.collector.heldUp,
      waitingFor: this.collector.waitingFor,
    }
  }

  addStats(stats: Map<string, number>): void {
    stats.set('tombstones_collected_total', this.burial.buried)
    stats.set('tombstone_slots_held_up', this.collector.heldUp)
  }
}
