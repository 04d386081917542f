import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { RingNode } from '../../server/node.ts'
import { runCampaign } from './campaign.ts'
import { startOfCommit } from './commit-seeds.ts'
import { Prng } from './prng.ts'
import { simulate } from './run.ts'
import { SeedRunner } from './seed-runner.ts'
import { shareSlotTables } from './shared-slot-tables.ts'
import { parseSwarm, replayCommand, shrink } from './shrink.ts'
import { failureLines, Summary } from './summary.ts'
import { drawSwarm, type Swarm } from './swarm.ts'

const USAGE = `The simulator: a 5-node ring in one process, in virtual time, under faults that a seed draws.

  npm run sim -- --seeds 500 [--start 1] [--jobs 2]   many seeds; exits 1 if one fails, and shrinks the first that do
  npm run sim -- --seeds 500 --from-commit            others for every commit
  npm run sim -- --seed 17 [--trace]                  one seed again; --trace prints all that happens
  npm run sim -- --seed 17 --swarm '{"keys":1}'       with parts of what it draws replaced
  npm run sim -- --seed 17 --shrink                   finds less that fails in the same way`

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Seeds that are shrunk at the end of many, and how often each is run for it: a minute or two. */
const SHRUNK = 2
const MAX_RUNS = 80

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
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1)
  console.log(`seeds ${start} to ${start + count - 1}`)
  await runCampaign({
    sources: { root: ROOT },
    seeds: Array.from({ length: count }, (_, index) => start + index),
    jobs,
    onReport: (report) => {
      summary.add(report)
      if (report.violations.length > 0) console.log(failureLines(report).join('\n'))
      if (summary.seeds % 50 === 0)
        console.log(`${summary.seeds} of ${count} seeds in ${seconds()} s, ${summary.failed.length} failed`)
      return true
    },
  })
  console.log(summary.lines().join('\n'))
  console.log(`${seconds()} s`)
  const unmet = summary.unmet()
  if (unmet.length > 0) console.log(`never seen, so not tested: ${unmet.join(', ')}`)
  await Promise.all(summary.failed.slice(0, SHRUNK).map(({ seed }) => less(seed)))
  return summary.failed.length === 0 && unmet.length === 0
}

async function one(seed: number, swarm: Partial<Swarm>, trace: boolean): Promise<boolean> {
  shareSlotTables()
  const began = performance.now()
  const result = await simulate({
    seed,
    makeNode: (components, settings) => new RingNode(components, settings),
    print: trace ? (line) => console.log(line) : undefined,
    swarm,
  })
  const summary = new Summary()
  const report = { ...result, marks: [...result.marks] }
  summary.add(report)
  console.log(summary.lines().join('\n'))
  console.log(`trace hash ${result.hash}, ${((performance.now() - began) / 1000).toFixed(2)} s`)
  if (report.violations.length > 0) console.log(failureLines(report, swarm).join('\n'))
  return report.violations.length === 0
}

/** @returns whether the seed passes as it is. */
async function less(seed: number): Promise<boolean> {
  const runner = new SeedRunner({ root: ROOT })
  try {
    const shrunk = await shrink((swarm) => runner.run(seed, swarm), MAX_RUNS)
    if (shrunk === undefined) console.log(`seed ${seed} does not fail again`)
    else {
      const struck = shrunk.swarm.strikes?.length ?? shrunk.report.due.length
      console.log(`seed ${seed}, shrunk in ${shrunk.runs} runs to ${struck} faults:`)
      console.log(`  ${replayCommand(seed, shrunk.swarm)}`)
    }
    return shrunk === undefined
  } finally {
    runner.close()
  }
}

const options = {
  seeds: { type: 'string' },
  start: { type: 'string', default: '1' },
  'from-commit': { type: 'boolean', default: false },
  jobs: { type: 'string', default: '2' },
  seed: { type: 'string' },
  swarm: { type: 'string', default: '{}' },
  shrink: { type: 'boolean', default: false },
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

function partsOfSwarm(text: string): Partial<Swarm> {
  try {
    return parseSwarm(text, drawSwarm(new Prng(0)))
  } catch (error) {
    usage((error as Error).message)
  }
}

async function run(flags: ReturnType<typeof parse>): Promise<boolean> {
  if (flags.seed !== undefined) {
    const seed = whole(flags.seed, 'seed', 0)
    return flags.shrink ? less(seed) : one(seed, partsOfSwarm(flags.swarm), flags.trace)
  }
  if (flags.seeds === undefined) usage('say which seeds')
  const start = flags['from-commit'] ? startOfCommit(ROOT) : whole(flags.start, 'start', 0)
  return many(whole(flags.seeds, 'seeds', 1), start, whole(flags.jobs, 'jobs', 1))
}

const flags = parse()
if (flags.help) console.log(USAGE)
else process.exitCode = (await run(flags)) ? 0 : 1
