import { RECORD_CACHE_BYTES, type SimulatedCluster } from './simulated-cluster.ts'

/** The most that any node has had of something that is bounded. */
export interface Gauge {
  readonly name: string
  readonly node: string
  readonly most: number
  readonly bound: number
}

/** What nodes keep for the time being, by the names of their metrics, and how much of it they may keep. */
export class Gauges {
  private readonly cluster: SimulatedCluster
  private readonly bounds: ReadonlyMap<string, number>
  private readonly highest = new Map<string, Gauge>()

  constructor(components: { cluster: SimulatedCluster }, settings: { hintBytes: number }) {
    this.cluster = components.cluster
    this.bounds = new Map([
      ['hint_bytes', settings.hintBytes],
      ['record_cache_bytes', RECORD_CACHE_BYTES],
    ])
  }

  /** Looks at every node that runs. */
  look(): void {
    for (const { id, node } of this.cluster.machines) {
      const stats = node?.stats()
      for (const [name, bound] of this.bounds) {
        const value = stats?.get(name) ?? 0
        if (value > (this.highest.get(name)?.most ?? 0))
          this.highest.set(name, { name, node: id, most: value, bound })
      }
    }
  }

  get all(): readonly Gauge[] {
    return [...this.highest.values()]
  }
}
