import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { RingNode } from '../../server/node.ts'
import { runCampaign } from './campaign.ts'
import { simulate } from './run.ts'
import { failureLines, Summary } from './summary.ts'
import type { SeedReport } from './worker.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SEEDS = Number(process.env['KVRING_SIM_SEEDS'] ?? 500)

/** What a run must have met to be worth anything. */
const REQUIRED_MARKS = [
  'hints_sent_total',
  'hints_delivered_total',
  'read_repairs_total',
  'restamps_total',
  'speculative_reads_total',
  'sloppy_writes_total',
  'write unknown outcome_unknown',
  'fault power',
  'fault partition',
]

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
      root: ROOT,
      seeds: Array.from({ length: SEEDS }, (_, index) => index + 1),
      jobs: 2,
      onReport: (report) => {
        summary.add(report)
        return true
      },
    })
    expect(summary.seeds).to.equal(SEEDS)
    expect(summary.failed.slice(0, 5).flatMap(failureLines).join('\n')).to.equal('')
    if (SEEDS < 100) return
    for (const mark of REQUIRED_MARKS) expect(summary.mark(mark), mark).to.be.greaterThan(0)
  })
})

function runElsewhere(seed: number): Promise<SeedReport> {
  const worker = fork(`${ROOT}test/simulation/worker.ts`, { cwd: ROOT, execArgv: ['--import=tsx'] })
  return new Promise<SeedReport>((resolve, reject) => {
    worker.once('message', (report) => resolve(report as SeedReport))
    worker.once('exit', (code) => reject(new Error(`the worker exited with ${code}`)))
    worker.send(seed)
  }).finally(() => worker.kill('SIGKILL'))
}
