import type { LocalRing } from './local-ring.ts'
import { isUp } from './ring-state.ts'
import { stopRing } from './stop-ring.ts'

const LOOK_EVERY_MS = 500

/**
 * Tells when nodes come and go, until an interrupt, upon which it stops the ring, or until somebody else has
 * stopped it. Interrupts after the first change nothing: the nodes are being stopped.
 */
export async function watchRing(
  ring: LocalRing,
  tell: (text: string) => void,
  interrupted: AbortSignal,
): Promise<void> {
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
    interrupted.addEventListener('abort', finish)
    if (interrupted.aborted) finish()
    // The terminal was closed.
    process.once('SIGHUP', finish)
  })
  if (isStopped(ring)) return tell(`the ring "${ring.name}" was stopped`)
  await ring.exclusively(async () => {
    const state = ring.state()
    if (!state) return
    tell(`stopping the ring "${ring.name}" ...`)
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
