import type { LocalRing } from '../local-ring/local-ring.ts'
import { isUp } from '../local-ring/ring-state.ts'
import type { RingFaults } from './ring-faults.ts'

/** A fault in force: in the network, or of a process of a local ring. */
export interface Fault {
  id: string
  kind: string
  nodes: string[]
  /** ISO 8601; null for a killed node, which does not heal by itself. */
  until: string | null
}

/** Those that the nodes know of, then paused and killed processes. */
export async function currentFaults(network: RingFaults, ring: LocalRing | undefined): Promise<Fault[]> {
  const state = ring?.state()
  const paused = (state?.pauses ?? []).map(({ id, nodes, untilMs }) => ({
    id,
    kind: 'pause',
    nodes: [...nodes],
    until: new Date(untilMs).toISOString(),
  }))
  const killed = (state?.nodes ?? [])
    .filter((node) => node.killed && !isUp(node))
    .map(({ id }) => ({ id: `kill-${id}`, kind: 'kill', nodes: [id], until: null }))
  const deaf = new Set([...paused, ...killed].flatMap((fault) => fault.nodes))
  // No node of the ring can answer: what is known of its processes is all there is.
  const silent = state?.nodes.every((node) => deaf.has(node.id)) ?? false
  return [...(silent ? [] : await network.list()), ...paused, ...killed]
}
