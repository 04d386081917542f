import { PLANTED_BUGS } from './catalogue.ts'
import { everySeed, type Hunt, hunt } from './hunt.ts'

/**
 * `npm run bugs [part of a name]`: how many seeds each planted bug takes from seed 1 on, as a table, slowest last.
 * Exits 1 where one is not caught at all, or the median is over 20.
 */

const MEDIAN_LIMIT = 20

const wanted = process.argv[2] ?? ''
const bugs = PLANTED_BUGS.filter(({ name }) => name.includes(wanted))
const found: { name: string; result: Hunt }[] = []
for (const bug of bugs) {
  const result = await hunt(bug, everySeed(), 2)
  found.push({ name: bug.name, result })
  const said = result.caught ?? `not in ${result.seeds} seeds; others said: ${result.astray}`
  console.log(`${seedOf(result).padStart(4)}  ${bug.name}\n      ${said.split('\n')[0]?.slice(0, 140)}`)
}
found.sort((a, b) => (a.result.seed ?? Number.MAX_VALUE) - (b.result.seed ?? Number.MAX_VALUE))
console.log(
  `\nseeds  bug\n${found.map(({ name, result }) => `${seedOf(result).padStart(5)}  ${name}`).join('\n')}`,
)
const median = found[(found.length - 1) >>> 1]?.result.seed ?? Number.POSITIVE_INFINITY
const missed = found.filter(({ result }) => result.seed === undefined).length
console.log(`\n${found.length} bugs, median ${median} seeds, ${missed} not caught`)
process.exitCode = missed === 0 && median <= MEDIAN_LIMIT ? 0 : 1

function seedOf({ seed }: Hunt): string {
  return seed === undefined ? '-' : String(seed)
}
