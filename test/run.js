import { spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, constants, setPriority } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { complaints, summaryTable, tallyCheck, tallyMocha, tallySeeds, total } from './tally.js'

/** The whole test suite: `npm test`, or with fewer seeds for the impatient `npm test -- --seeds 20`. */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const { values: flags } = parseArgs({ options: { seeds: { type: 'string', default: '500' } } })
const MINUTE = 60_000

const bin = (script, ...argv) => [`node_modules/${script}`, ...argv]
const mocha = (...argv) =>
  bin('mocha/bin/mocha.js', '--reporter', 'dot', '--forbid-only', '--forbid-pending', ...argv)
const simulator = (...argv) => ['--import', 'tsx', 'test/simulation/sim.ts', ...argv]

/** The files of the end-to-end tests, the one that takes longest first. */
const LONGEST = 'main-story.test.ts'
const stories = readdirSync(path.join(ROOT, 'test/e2e'), { recursive: true })
  .filter((file) => file.endsWith('.test.ts'))
  .sort((a, b) => (b === LONGEST) - (a === LONGEST) || (a < b ? -1 : 1))

/**
 * Stages of one wave run side by side, two at a time; one by itself wants both processors. Those in the background take
 * what the others leave: their time is virtual, so nothing depends on how long they take.
 */
const WAVES = [
  [
    { name: 'format, lint', argv: bin('@biomejs/biome/bin/biome', 'ci', '.'), tally: tallyCheck },
    { name: 'types', argv: bin('typescript/bin/tsc', '--noEmit'), tally: tallyCheck },
    { name: 'typed lint', argv: bin('eslint/bin/eslint.js', '.', '--max-warnings', '0'), tally: tallyCheck },
    { name: 'house rules', argv: mocha('test/unit/tidy.test.ts'), tally: tallyMocha },
    {
      name: 'unit, contract, property',
      argv: mocha('--ignore', 'test/unit/tidy.test.ts', 'test/{unit,contract,property}/**/*.test.ts'),
      tally: tallyMocha,
    },
  ],
  [
    {
      name: `simulation, ${flags.seeds} seeds`,
      argv: simulator('--seeds', flags.seeds, '--jobs', String(Math.max(2, availableParallelism()))),
      tally: tallySeeds,
    },
  ],
  [
    ...stories.map((file) => ({
      name: `end to end: ${file.replace('.test.ts', '')}`,
      argv: mocha(`test/e2e/${file}`),
      tally: tallyMocha,
    })),
    {
      name: 'the simulator itself',
      argv: mocha('--timeout', String(2 * MINUTE), 'test/simulation/**/*.test.ts'),
      tally: tallyMocha,
      background: true,
    },
  ],
]

/** No stage takes so long by itself: one that does hangs. */
const STAGE_LIMIT_MS = 12 * MINUTE
/** In the background it may have to wait for all the others, on a machine that does other things as well. */
const BACKGROUND_LIMIT_MS = 45 * MINUTE

const running = new Set()

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    for (const child of running) stop(child)
    process.exit(130)
  })
}

const results = []
for (const wave of WAVES) results.push(...(await runWave(wave)))

const { passed, failed } = total(results)
console.log(`\n${summaryTable(results).join('\n')}\n`)
if (failed > 0) console.log(`${complaints(results).join('\n')}\n`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function runWave(stages) {
  const finished = new Array(stages.length)
  const lane = async (queue) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, stage] = next
      finished[index] = await runStage(stage, stages.length === 1)
    }
  }
  const all = [...stages.entries()]
  const foreground = all.filter(([, { background }]) => !background)
  const background = all.filter(([, { background }]) => background)
  await Promise.all([lane(foreground), lane(foreground), lane(background)])
  return finished
}

/** Where it runs alone its output is shown as it comes, otherwise in one piece at its end. */
function runStage({ name, argv, tally, background = false }, alone) {
  const began = performance.now()
  const limitMs = background ? BACKGROUND_LIMIT_MS : STAGE_LIMIT_MS
  if (alone) console.log(`\n== ${name}`)
  return new Promise((resolve) => {
    const child = spawn(process.execPath, argv, {
      cwd: ROOT,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a stage that hangs is stopped with all that it has started.
      detached: true,
    })
    running.add(child)
    if (background) yieldToOthers(child.pid)
    const chunks = []
    const collect = (chunk) => {
      chunks.push(chunk)
      if (alone) process.stdout.write(chunk)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const watchdog = setTimeout(() => {
      collect(Buffer.from(`\n${name}: still running after ${limitMs / MINUTE} minutes, stopped\n`))
      stop(child)
    }, limitMs)
    child.on('close', (code) => {
      clearTimeout(watchdog)
      running.delete(child)
      const output = Buffer.concat(chunks).toString('utf8')
      if (!alone) console.log(`\n== ${name}\n${output.trimEnd()}`)
      resolve({ name, output, ...tally(output, code ?? 1), seconds: (performance.now() - began) / 1000 })
    })
  })
}

/** A group of its own also competes as a group, on Linux where processes are scheduled by session. */
function yieldToOthers(pid) {
  setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_BELOW_NORMAL))
  } catch {
    // Elsewhere the priority says it all.
  }
}

function stop(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

/** The user's own rings and settings are none of the tests' business. */
function cleanEnvironment() {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('KV_'))
  return { ...Object.fromEntries(kept), NO_COLOR: '1', FORCE_COLOR: '0' }
}
