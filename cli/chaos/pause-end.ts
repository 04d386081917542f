import { spawn } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LocalRing } from '../local-ring/local-ring.ts'
import { endPauses } from '../local-ring/node-control.ts'
import type { Pause } from '../local-ring/ring-state.ts'

/** How often it is looked whether the pause was ended by hand. */
const LOOK_EVERY_MS = 500

/** Starts a process that ends the pause when its time is over, although this one has gone by then. */
export function startPauseEnd(root: string, ring: LocalRing, pause: Pause): void {
  const argv = ['chaos', 'end-pause', pause.id, '--name', ring.name]
  const child = spawn(process.execPath, [path.join(root, 'cli', 'bin', 'kv.js'), ...argv], {
    detached: true,
    stdio: 'ignore',
    cwd: '/',
    env: ring.settings.env,
  })
  child.on('error', () => undefined)
  child.unref()
}

/** Waits until a pause is over, and ends it; returns early where somebody else has ended it. */
export async function awaitPauseEnd(ring: LocalRing, id: string, startingMs: number): Promise<void> {
  const patience = performance.now() + startingMs
  let seen = false
  for (;;) {
    const pause = ring.state()?.pauses.find((one) => one.id === id)
    // It is written down only after this process was started.
    if (!pause && (seen || performance.now() > patience)) return
    seen = pause !== undefined
    if (pause && pause.untilMs <= Date.now()) break
    await sleep(Math.min(LOOK_EVERY_MS, pause ? Math.max(1, pause.untilMs - Date.now()) : LOOK_EVERY_MS))
  }
  await ring.exclusively(async () => void endPauses(ring, (one) => one.id === id))
}
