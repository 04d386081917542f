import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { account } from './account.ts'
import { type TrialResult, tryRing } from './trial.ts'

/**
 * `npm run soak`: rings of real processes under faults, one after the other, each judged by the simulator's checkers.
 * A seed draws what clients and faults do, but not how the machine mixes it, so no run is like another.
 */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rings: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '60' },
  },
})

const POLICIES = ['lww', 'siblings', 'switched'] as const

const first = Number(flags.seed)
const seeds = Array.from({ length: Number(flags.rings) }, (_, i) => first + i)
const total = new Map<string, number>()
let failed = 0
for (const seed of seeds) {
  const conflicts = POLICIES[seed % POLICIES.length] as (typeof POLICIES)[number]
  // Tombstones must grow older than clocks may differ.
  const collects = seed % 2 === 0
  const skewMs = collects ? 0 : 40_000
  const tombstoneMinAgeMs = collects ? 12_000 : 0
  const result = await tryRing({ seed, conflicts, seconds: Number(flags.seconds), skewMs, tombstoneMinAgeMs })
  console.log(`ring ${seed}, ${conflicts}: ${result.violations.length} violations`)
  for (const [mark, times] of result.marks) total.set(mark, (total.get(mark) ?? 0) + times)
  if (result.violations.length === 0) continue
  failed++
  report(seed, result)
}
console.log(`${seeds.length} rings, ${failed} failed`)
for (const mark of [...total.keys()].sort()) console.log(`  ${mark.padEnd(36)} ${total.get(mark)}`)
process.exitCode = failed === 0 ? 0 : 1

/** The first few, and in a file all that is known of their keys. */
function report(seed: number, { violations, evidence }: TrialResult): void {
  const shown = violations.slice(0, 10)
  for (const { checker, key, message } of shown) console.log(`  ${checker} ${key}: ${message}`)
  const keys = [...new Set(shown.map(({ key }) => key))].filter((key) => key !== '')
  const file = path.join(tmpdir(), `kvring-soak-${seed}.txt`)
  writeFileSync(file, keys.flatMap((key) => [key, ...account(evidence, key), '']).join('\n'))
  console.log(`  what happened to these keys: ${file}`)
}
