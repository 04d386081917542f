import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { PLANTED_BUGS } from './bugs/catalogue.ts'
import { plant } from './bugs/plant.ts'
import type { PlantedBug } from './bugs/planted-bug.ts'
import { runCampaign } from './campaign.ts'
import type { SeedReport } from './worker.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MAX_SEEDS = 200

interface Catch {
  readonly seeds: number
  readonly by: string
}

/** Runs seeds until a checker that must see the bug complains. */
async function hunt(bug: PlantedBug): Promise<Catch | undefined> {
  const copy = await plant(ROOT, bug)
  let seeds = 0
  let caught: Catch | undefined
  const onReport = (report: SeedReport) => {
    seeds++
    const found = report.violations.find((violation) => bug.caughtBy.includes(violation.checker))
    if (found !== undefined) caught ??= { seeds, by: `${found.checker}: ${found.message}` }
    return caught === undefined
  }
  try {
    const candidates = Array.from({ length: MAX_SEEDS }, (_, index) => index + 1)
    await runCampaign({ root: copy.root, seeds: candidates, jobs: 2, onReport })
  } finally {
    await copy.remove()
  }
  return caught
}

describe('the simulator catches', function () {
  this.timeout(300_000)

  for (const bug of PLANTED_BUGS) {
    it(bug.name, async function () {
      const caught = await hunt(bug)
      expect(caught, `nothing was found in ${MAX_SEEDS} seeds`).not.to.equal(undefined)
      if (this.test !== undefined) this.test.title += ` (seed ${caught?.seeds}; ${caught?.by.slice(0, 120)})`
    })
  }
})
