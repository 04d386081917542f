import { parseArgs } from 'node:util'
import { tryRing } from './trial.ts'

/** `npm run soak`: rings of real processes under faults, one after the other, each judged by the simulator's checkers. */
const { values: flags } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rings: { type: 'string', default: '6' },
    seconds: { type: 'string', default: '60' },
  },
})

const POLICIES = ['lww', 'siblings', 'switched'] as const
let failed = 0
for (let seed = Number(flags.seed); seed < Number(flags.seed) + Number(flags.rings); seed++) {
  const conflicts = POLICIES[seed % POLICIES.length] as (typeof POLICIES)[number]
  // Tombstones must grow older than clocks may differ.
  const collects = seed % 2 === 0
  const { violations, marks } = await tryRing({
    seed,
    conflicts,
    seconds: Number(flags.seconds),
    skewMs: collects ? 0 : 40_000,
    tombstoneMinAgeMs: collects ? 12_000 : 0,
  })
  console.log(`seed ${seed}, ${conflicts}: ${violations.length} violations`)
  for (const { checker, key, message } of violations.slice(0, 10))
    console.log(`  ${checker} ${key}: ${message}`)
  for (const name of [...marks.keys()].sort()) console.log(`  ${name.padEnd(40)} ${marks.get(name)}`)
  if (violations.length > 0) failed++
}
console.log(`${flags.rings} rings, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
