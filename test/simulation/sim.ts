import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RingNode } from '../../server/node.ts'
import { runCampaign } from './campaign.ts'
import { simulate } from './run.ts'
import { shareSlotTables } from './shared-slot-tables.ts'
import { failureLines, Summary } from './summary.ts'

const USAGE = `The simulator: a 5-node ring in one process, in virtual time, under faults that a seed draws.

  npm run sim -- --seeds 500 [--start 1] [--jobs 2]   many seeds; exits 1 if one fails
  npm run sim -- --seed 17 [--trace]                  one seed again; --trace prints all that happens`

function usage(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}

function whole(text: string, name: string, least: number): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least)) usage(`--${name} takes a whole number from ${least}, not ${text}`)
  return value
}

async function many(count: number, start: number, jobs: number): Promise<boolean> {
  const summary = new Summary()
  const began = performance.now()
  await runCampaign({
    root: fileURLToPath(new URL('../..', import.meta.url)),
    seeds: Array.from({ length: count }, (_, index) => start + index),
    jobs,
    onReport: (report) => {
      summary.add(report)
      if (report.violations.length > 0) console.log(failureLines(report).join('\n'))
      if (summary.seeds % 50 === 0) {
        const seconds = Math.round((performance.now() - began) / 1000)
        console.log(`${summary.seeds} of ${count} seeds in ${seconds} s, ${summary.failed.length} failed`)
      }
      return true
    },
  })
  console.log(summary.lines().join('\n'))
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`)
  const unmet = summary.unmet()
  if (unmet.length > 0) console.log(`never seen, so not tested: ${unmet.join(', ')}`)
  return summary.failed.length === 0 && unmet.length === 0
}

async function one(seed: number, trace: boolean): Promise<boolean> {
  shareSlotTables()
  const began = performance.now()
  const result = await simulate({
    seed,
    makeNode: (components, settings) => new RingNode(components, settings),
    print: trace ? (line) => console.log(line) : undefined,
  })
  const summary = new Summary()
  const report = { ...result, marks: [...result.marks] }
  summary.add(report)
  console.log(summary.lines().join('\n'))
  console.log(`trace hash ${result.hash}, ${((performance.now() - began) / 1000).toFixed(2)} s`)
  if (report.violations.length > 0) console.log(failureLines(report).join('\n'))
  return report.violations.length === 0
}

const options = {
  seeds: { type: 'string' },
  start: { type: 'string', default: '1' },
  jobs: { type: 'string', default: '2' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function parse() {
  try {
    return parseArgs({ options }).values
  } catch (error) {
    usage((error as Error).message)
  }
}

const flags = parse()
if (flags.help) console.log(USAGE)
else if (flags.seed !== undefined)
  process.exitCode = (await one(whole(flags.seed, 'seed', 0), flags.trace)) ? 0 : 1
else if (flags.seeds === undefined) usage('say which seeds')
else {
  const ok = await many(
    whole(flags.seeds, 'seeds', 1),
    whole(flags.start, 'start', 0),
    whole(flags.jobs, 'jobs', 1),
  )
  process.exitCode = ok ? 0 : 1
}
