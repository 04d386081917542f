import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { SeedReport } from './worker.ts'

/** A seed that takes longer than this, in real milliseconds, hangs. */
const HUNG_AFTER_MS = 90_000

export interface CampaignSettings {
  /** The source tree whose simulator is run. */
  readonly root: string
  readonly seeds: readonly number[]
  readonly jobs: number
  /** @returns false to run no further seeds. */
  readonly onReport: (report: SeedReport) => boolean
}

/** Runs seeds in processes of their own, a few at a time. Resolves when no more are to be run. */
export async function runCampaign(settings: CampaignSettings): Promise<void> {
  const queue = [...settings.seeds]
  let wanted = true
  const next = () => (wanted ? queue.shift() : undefined)
  const report = (result: SeedReport) => {
    if (!settings.onReport(result)) wanted = false
  }
  const jobs = Math.min(settings.jobs, queue.length)
  await Promise.all(Array.from({ length: jobs }, () => runWorker(settings.root, next, report)))
}

async function runWorker(
  root: string,
  next: () => number | undefined,
  report: (result: SeedReport) => void,
): Promise<void> {
  for (let seed = next(); seed !== undefined; seed = next()) {
    const worker = fork(join(root, 'test/simulation/worker.ts'), { cwd: root, execArgv: ['--import=tsx'] })
    try {
      let alive = true
      while (alive && seed !== undefined) {
        const result = await runSeed(worker, seed)
        alive = worker.connected
        report(result)
        if (alive) seed = next()
      }
    } finally {
      worker.kill('SIGKILL')
    }
  }
}

function runSeed(worker: ChildProcess, seed: number): Promise<SeedReport> {
  return new Promise((resolve) => {
    const settle = (report: SeedReport) => {
      clearTimeout(watchdog)
      worker.off('message', onMessage)
      worker.off('exit', onExit)
      resolve(report)
    }
    const broken = (message: string) => {
      settle({
        seed,
        hash: '',
        violations: [{ checker: 'simulator', key: '', message }],
        marks: [],
        events: 0,
        virtualMs: 0,
      })
    }
    const onMessage = (message: unknown) => settle(message as SeedReport)
    const onExit = (code: number | null) => broken(`the simulator exited with ${code}`)
    const watchdog = setTimeout(() => {
      worker.disconnect()
      broken(`still running after ${HUNG_AFTER_MS / 1000} s`)
    }, HUNG_AFTER_MS)
    worker.on('message', onMessage)
    worker.on('exit', onExit)
    worker.send(seed)
  })
}
