import { SeedRunner } from './seed-runner.ts'
import type { SeedReport } from './worker.ts'
import type { Sources } from './worker-script.ts'

export interface CampaignSettings {
  readonly sources: Sources
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
  const lane = async () => {
    const runner = new SeedRunner(settings.sources)
    try {
      for (let seed = next(); seed !== undefined; seed = next()) {
        if (!settings.onReport(await runner.run(seed))) wanted = false
      }
    } finally {
      runner.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(settings.jobs, queue.length) }, lane))
}
