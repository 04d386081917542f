import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PLANTED_BUGS } from './bugs/catalogue.ts'
import { plant } from './bugs/plant.ts'
import type { PlantedBug } from './bugs/planted-bug.ts'
import { runCampaign } from './campaign.ts'
import type { SeedReport } from './worker.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAX_SEEDS = 200

interface Hunt {
  seeds: number
  /** What the checker said that must see the bug. */
  caught: string | undefined
  /** What others said first: a bug that only breaks the simulator is not planted well. */
  astray: string | undefined
}

/** Runs seeds until a checker that must see the bug complains. */
async function hunt(bug: PlantedBug): Promise<Hunt> {
  const copy = await plant(ROOT, bug)
  const hunt: Hunt = { seeds: 0, caught: undefined, astray: undefined }
  const onReport = (report: SeedReport) => {
    hunt.seeds++
    for (const { checker, message } of report.violations) {
      if (bug.caughtBy.includes(checker)) hunt.caught ??= `${checker}: ${message}`
      else hunt.astray ??= `${checker}: ${message}`
    }
    return hunt.caught === undefined
  }
  try {
    const seeds = Array.from({ length: MAX_SEEDS }, (_, index) => index + 1)
    await runCampaign({ root: copy.root, seeds, jobs: 2, onReport })
  } finally {
    await copy.remove()
  }
  return hunt
}

describe('the simulator catches', function () {
  this.timeout(300_000)

  for (const bug of PLANTED_BUGS) {
    it(bug.name, async function () {
      const { seeds, caught, astray } = await hunt(bug)
      expect(caught, `not found in ${seeds} seeds; others said: ${astray}`).not.to.equal(undefined)
      if (this.test !== undefined) this.test.title += ` (seeds: ${seeds}; ${caught?.slice(0, 120)})`
    })
  }
})
