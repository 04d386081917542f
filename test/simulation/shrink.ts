import { ROOM_FOR_ALL_HINTS, type Swarm } from './swarm.ts'
import type { SeedReport } from './worker.ts'

/** Runs a seed with parts of what it draws replaced. */
export type Trial = (swarm: Partial<Swarm>) => Promise<SeedReport>

export interface Shrunk {
  /** What is to be replaced: with it the seed fails in the same way. */
  readonly swarm: Partial<Swarm>
  readonly report: SeedReport
  readonly runs: number
}

const SHARES_OF_TIME = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4]

/** What makes a ring and its clients simpler, each by itself. */
const SIMPLER: readonly Partial<Swarm>[] = [
  { finale: false },
  { lostDisk: 'never' },
  { clients: 1 },
  { clients: 2 },
  { keys: 1 },
  { mixedQuorums: false },
  { ttl: false },
  { deletes: 0 },
  { contexts: 0 },
  { skewMs: 0 },
  { driftPpm: 0 },
  { zones: 1 },
  { scrubEveryMs: 0 },
  { maxHintAgeMs: 86_400_000 },
  { hintBytes: ROOM_FOR_ALL_HINTS },
  { commitMicros: 300 },
  { calmForMs: 0 },
  { moveEveryMs: 0 },
  { sharedSlots: false },
]

/**
 * Finds less that fails in the same way: a shorter run, fewer faults (by kinds, then as ddmin does it: Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002), and a simpler ring. The same seed shrinks
 * to the same.
 * @param maxRuns bounds the time that it takes.
 * @returns undefined where the seed does not fail.
 */
export async function shrink(trial: Trial, maxRuns: number): Promise<Shrunk | undefined> {
  const first = await trial({})
  const checker = first.violations[0]?.checker
  if (checker === undefined) return undefined
  let swarm: Partial<Swarm> = {}
  let report = first
  let runs = 1
  const attempt = async (change: Partial<Swarm>): Promise<boolean> => {
    if (runs >= maxRuns) return false
    runs++
    const candidate = { ...swarm, ...change }
    const result = await trial(candidate)
    if (!result.violations.some((violation) => violation.checker === checker)) return false
    swarm = candidate
    report = result
    return true
  }
  const shorten = async () => {
    const { faultsForMs } = { ...first.swarm, ...swarm }
    for (const share of SHARES_OF_TIME)
      if (await attempt({ faultsForMs: Math.round(faultsForMs * share) })) return
  }
  await shorten()
  await dropFaults(first.due.slice(0, report.due.length), attempt)
  for (const change of SIMPLER) if (simplifies({ ...first.swarm, ...swarm }, change)) await attempt(change)
  await shorten()
  return { swarm, report, runs }
}

async function dropFaults(
  due: readonly string[],
  attempt: (change: Partial<Swarm>) => Promise<boolean>,
): Promise<void> {
  if (due.length === 0 || (await attempt({ strikes: [] }))) return
  let strikes = due.map((_, number) => number)
  const keep = async (fewer: number[]) => {
    if (fewer.length < strikes.length && (await attempt({ strikes: fewer }))) strikes = fewer
  }
  for (const kind of new Set(due)) await keep(strikes.filter((number) => due[number] !== kind))
  for (let size = strikes.length >>> 1; size >= 1; size >>>= 1) {
    for (let at = 0; at < strikes.length; ) {
      const before = strikes.length
      await keep(strikes.toSpliced(at, size))
      if (strikes.length === before) at += size
    }
  }
}

/** Fewer clients than there are, and nothing that is so already. */
function simplifies(swarm: Partial<Swarm>, change: Partial<Swarm>): boolean {
  return Object.entries(change).every(([name, value]) => {
    const present = swarm[name as keyof Swarm]
    return name === 'maxHintAgeMs' || name === 'hintBytes' || typeof value !== 'number'
      ? present !== value
      : value < (present as number)
  })
}

/** The command that shows it again. */
export function replayCommand(seed: number, swarm: Partial<Swarm>): string {
  const options = Object.keys(swarm).length === 0 ? '' : ` --swarm '${JSON.stringify(swarm)}'`
  return `npm run sim -- --seed ${seed}${options} --trace`
}

/** @throws RangeError for what is no part of a swarm. */
export function parseSwarm(text: string, drawn: Swarm): Partial<Swarm> {
  const parts = parseObject(text)
  for (const [name, value] of Object.entries(parts)) {
    const present = name === 'strikes' ? [] : drawn[name as keyof Swarm]
    const alike = typeof present === typeof value && Array.isArray(present) === Array.isArray(value)
    if (!alike || value === null) throw new RangeError(`a swarm has no ${name} like ${JSON.stringify(value)}`)
  }
  return parts
}

function parseObject(text: string): Partial<Swarm> {
  try {
    const parts: unknown = JSON.parse(text)
    if (typeof parts === 'object' && parts !== null && !Array.isArray(parts)) return parts
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new RangeError(`a swarm is a JSON object, not ${text}`)
}
