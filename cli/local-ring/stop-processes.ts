import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, type ProcessIdentity, sendSignal } from './process-identity.ts'

const POLL_MS = 25
/** A node drains for 10 s at the most; one that is still there after this is stuck. */
const PATIENCE_MS = 15_000

/** Ends processes in order: SIGTERM, and SIGKILL for those that are still there after 15 s. Paused ones are continued. */
export async function stopProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const one of processes) {
    sendSignal(one, 'SIGTERM')
    // A stopped process gets the signal before only once it goes on.
    sendSignal(one, 'SIGCONT')
  }
  if (await ended(processes, PATIENCE_MS)) return
  await killProcesses(processes)
}

/** As a crash would end them. */
export async function killProcesses(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const one of processes) sendSignal(one, 'SIGKILL')
  await ended(processes, PATIENCE_MS)
}

async function ended(processes: readonly ProcessIdentity[], patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs
  while (processes.some(isRunning)) {
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}
