import type { LocalRing } from './local-ring.ts'
import { processesOf, type RingState, withNodes } from './ring-state.ts'
import { stopProcesses } from './stop-processes.ts'

/** Stops the ring in order; its data stay, and no fault outlives it. */
export async function stopRing(ring: LocalRing, state: RingState): Promise<void> {
  await stopProcesses(processesOf(state.nodes))
  const { starting, ...rest } = withNodes(state, ({ process, killed, ...node }) => node)
  ring.save({ ...rest, pauses: [], faults: [] })
}
