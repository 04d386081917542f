import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { RingNode } from '../../server/node.ts'
import { runCampaign } from './campaign.ts'
import { simulate } from './run.ts'
import { SeedRunner } from './seed-runner.ts'
import { failureLines, Summary } from './summary.ts'
import type { SeedReport } from './worker.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** The suite runs hundreds with `npm run sim`; these show that it works in a test as well. */
const SEEDS = Number(process.env.KVRING_SIM_SEEDS ?? 10)

describe('the simulator', function () {
  this.timeout(900_000)

  it('gives the same trace for the same seed, in this process and in others', async () => {
    const makeNode = (...given: ConstructorParameters<typeof RingNode>) => new RingNode(...given)
    for (const seed of [7, 8]) {
      const here = await simulate({ seed, makeNode })
      const again = await simulate({ seed, makeNode })
      const elsewhere = await runElsewhere(seed)
      expect(again.hash).to.equal(here.hash)
      expect(elsewhere.hash).to.equal(here.hash)
      expect(here.events).to.be.greaterThan(1_000)
    }
  })

  it('gives another trace for another seed', async () => {
    const [first, second] = await Promise.all([runElsewhere(9), runElsewhere(10)])
    expect(first.hash).not.to.equal(second.hash)
  })

  it(`breaks no law of the ring in ${SEEDS} seeds`, async () => {
    const summary = new Summary()
    await runCampaign({
      sources: { root: ROOT },
      seeds: Array.from({ length: SEEDS }, (_, index) => index + 1),
      jobs: 2,
      onReport: (report) => {
        summary.add(report)
        return true
      },
    })
    expect(summary.seeds).to.equal(SEEDS)
    expect(
      summary.failed
        .slice(0, 5)
        .flatMap((report) => failureLines(report))
        .join('\n'),
    ).to.equal('')
    expect(summary.unmet()).to.deep.equal([])
  })
})

function runElsewhere(seed: number): Promise<SeedReport> {
  const runner = new SeedRunner({ root: ROOT })
  return runner.run(seed).finally(() => runner.close())
}
