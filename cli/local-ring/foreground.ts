import { onInterrupt } from '../interrupt.ts'
import type { LocalRing } from './local-ring.ts'
import { stopRing } from './node-control.ts'
import { isUp } from './ring-state.ts'

const LOOK_EVERY_MS = 500

/**
 * Tells when nodes come and go, until an interrupt, upon which it stops the ring, or until somebody else has
 * stopped it.
 */
export async function watchRing(ring: LocalRing, tell: (text: string) => void): Promise<void> {
  let up = running(ring)
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = running(ring)
      for (const id of up) if (!now.has(id)) tell(`${id} has ended`)
      for (const id of now) if (!up.has(id)) tell(`${id} is running again`)
      up = now
      if (now.size === 0 && isStopped(ring)) finish()
    }, LOOK_EVERY_MS)
    const finish = (): void => {
      clearInterval(timer)
      resolve()
    }
    onInterrupt(finish)
    // The terminal was closed.
    process.once('SIGHUP', finish)
  })
  // Whoever is impatient: the nodes are being stopped all the same.
  onInterrupt(() => undefined)
  await ring.exclusively(async () => {
    const state = ring.state()
    if (!state) return
    if (state.nodes.some(isUp)) tell(`stopping the ring "${ring.name}" ...`)
    await stopRing(ring, state)
  })
  tell(`the ring "${ring.name}" has stopped; its data are kept, and npm start or kv up goes on with them`)
}

function running(ring: LocalRing): Set<string> {
  return new Set((ring.state()?.nodes ?? []).filter(isUp).map((node) => node.id))
}

/** As kv down leaves it; nodes that were killed are not meant. */
function isStopped(ring: LocalRing): boolean {
  return ring.state()?.nodes.every((node) => node.process === undefined) ?? true
}
