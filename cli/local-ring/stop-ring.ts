import type { LocalRing } from './local-ring.ts'
import { type LocalNode, processesOf, type RingState, withNodes } from './ring-state.ts'
import { stopProcesses } from './stop-processes.ts'

/** Stops the ring in order; its data stay, and no fault outlives it. */
export async function stopRing(ring: LocalRing, state: RingState): Promise<void> {
  const { removed = [] } = state
  await stopProcesses(processesOf([...state.nodes, ...removed]))
  const { starting, ...rest } = withNodes(state, stopped)
  ring.save({ ...rest, ...(removed.length > 0 && { removed: removed.map(stopped) }), pauses: [], faults: [] })
}

function stopped({ process, killed, ...node }: LocalNode): LocalNode {
  return node
}
