import type { Prng } from '../prng.ts'
import type { SimulatedCluster } from '../simulated-cluster.ts'
import type { FaultKind, Swarm } from '../swarm.ts'
import type { World } from '../world.ts'

/**
 * Begins a fault that ends by itself after so many virtual microseconds. All that it draws comes from a generator of
 * its own: a run without some of the strikes has the others as they were.
 */
export type Strike = (forMicros: number, prng: Prng) => void

/** What every group of faults needs. */
export interface FaultComponents {
  readonly world: World
  readonly cluster: SimulatedCluster
  readonly swarm: Swarm
  /** No fault may begin or go on any more. */
  readonly over: () => boolean
}

/** Counts the fault, and tells of it in the trace. */
export function fired({ world }: FaultComponents, kind: FaultKind, what: string): void {
  world.count(`fault ${kind}`)
  world.note('nemesis', what)
}
