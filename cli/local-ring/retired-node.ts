import { changeContexts } from '../change-contexts.ts'
import type { LocalRing } from './local-ring.ts'
import { withoutPausesOf } from './node-control.ts'
import { sendSignal } from './process-identity.ts'
import { httpOf, type RingState } from './ring-state.ts'

/**
 * Takes note that the ring has removed a node for good: it is neither started nor asked any more. Its data stay until
 * the ring is wiped. A ring that does not have the node is left as it is.
 */
export async function retireNode(ring: LocalRing, id: string): Promise<void> {
  if (!ring.state()?.nodes.some((node) => node.id === id)) return
  await ring.exclusively(async () => {
    const state = ring.state()
    const node = state?.nodes.find((one) => one.id === id)
    if (state === undefined || node === undefined) return
    ring.save(withoutNode(state, id))
    // A process that was only paused hears of its removal when it goes on, and ends.
    if (node.process && state.pauses.some(({ nodes }) => nodes.includes(id)))
      sendSignal(node.process, 'SIGCONT')
    await changeContexts(ring.settings.env, (contexts) => {
      const context = contexts.all().get(ring.name)
      const endpoints = context?.endpoints.filter((endpoint) => endpoint !== httpOf(node)) ?? []
      if (context && endpoints.length > 0) contexts.replace(ring.name, { ...context, endpoints })
    })
  })
}

/** The node is one of `removed` then, and no pause holds it. */
export function withoutNode(state: RingState, id: string): RingState {
  return {
    ...state,
    nodes: state.nodes.filter((node) => node.id !== id),
    pauses: withoutPausesOf(state.pauses, new Set([id])),
    removed: [...(state.removed ?? []), ...state.nodes.filter((node) => node.id === id)],
  }
}
