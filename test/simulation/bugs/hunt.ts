import { fileURLToPath } from 'node:url'
import { runCampaign } from '../campaign.ts'
import type { SeedReport } from '../worker.ts'
import { plant } from './plant.ts'
import type { PlantedBug } from './planted-bug.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** A bug that takes more seeds than this is as good as not caught. */
export const MAX_SEEDS = 200

export interface Hunt {
  /** Seeds that were run. */
  seeds: number
  /** Of those the first, in the order in which they were to be run, that showed the bug. */
  seed: number | undefined
  /** What the checker said that must see the bug. */
  caught: string | undefined
  /** What others said first: a bug that only breaks the simulator is not planted well. */
  astray: string | undefined
}

export function everySeed(): number[] {
  return Array.from({ length: MAX_SEEDS }, (_, index) => index + 1)
}

/** Plants the bug and runs seeds until a checker that must see it complains. */
export async function hunt(bug: PlantedBug, seeds: readonly number[], jobs: number): Promise<Hunt> {
  const sources = await plant(ROOT, bug)
  const hunt: Hunt = { seeds: 0, seed: undefined, caught: undefined, astray: undefined }
  const onReport = (report: SeedReport) => {
    hunt.seeds++
    for (const { checker, message } of report.violations) {
      if (!bug.caughtBy.includes(checker)) hunt.astray ??= `seed ${report.seed}, ${checker}: ${message}`
      else if (hunt.seed === undefined || seeds.indexOf(report.seed) < seeds.indexOf(hunt.seed)) {
        hunt.seed = report.seed
        hunt.caught = `${checker}: ${message}`
      }
    }
    return hunt.caught === undefined
  }
  await runCampaign({ sources, seeds, jobs, onReport })
  return hunt
}
