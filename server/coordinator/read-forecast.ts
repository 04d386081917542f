import type { ReadForecast } from '../../shared/key-report.ts'
import { type ConflictPolicy, EMPTY_RECORD, type KeyRecord } from '../causality/record.ts'
import { versionOf } from '../causality/version.ts'
import { liveSiblings } from '../causality/write.ts'
import type { NodeId } from '../ports/network.ts'
import { allOf, type Holding, join } from './holding.ts'

/** Of more owners there are too many choices to list. */
const MAX_R = 3

export interface ForecastSettings {
  readonly n: number
  readonly policy: ConflictPolicy
  readonly wallMs: number
  /** Hints for the owner may lie with nodes out of reach. */
  readonly hintsElsewhere: (owner: NodeId) => boolean
}

type Answer = ReadForecast['answers'][number]

/**
 * What a read with r = 1, 2 and 3 would answer from every choice of owners that it may come to ask. As GetOperation
 * does it: those who keep hints for the owners asked are asked as well, and fallbacks stand in where fewer than r
 * owners are in reach.
 */
export function forecastReads(holdings: readonly Holding[], settings: ForecastSettings): ReadForecast[] {
  const reach = holdings.filter((holding) => holding.answered)
  const owners = reach.filter((holding) => holding.role === 'owner' && holding.complete)
  const fallbacks = reach.filter((holding) => holding.role === 'fallback')
  const forecasts: ReadForecast[] = []
  for (let r = 1; r <= Math.min(settings.n, MAX_R); r++) {
    const missing = Math.max(0, r - owners.length)
    const chosen = missing === 0 ? choices(owners, r) : [[...owners, ...fallbacks.slice(0, missing)]]
    const answers = chosen.map((asked) => answerOf(asked, { r, reach }, settings))
    forecasts.push({ r, answers: grouped(answers) })
  }
  return forecasts
}

function answerOf(
  asked: readonly Holding[],
  { r, reach }: { r: number; reach: readonly Holding[] },
  { policy, wallMs, hintsElsewhere }: ForecastSettings,
): Answer {
  const names = [asked.map(({ id }) => id)]
  const owners = asked.filter((holding) => holding.role === 'owner')
  const sloppy = owners.length < r || owners.some(({ id }) => hintsElsewhere(id))
  const keepers = reach.filter((holding) =>
    holding.hints.some(({ target }) => owners.some((owner) => owner.id === target)),
  )
  const record = [...asked, ...keepers].reduce<KeyRecord>(
    (all, holding) => join(all, allOf(holding)),
    EMPTY_RECORD,
  )
  const unheard = record === EMPTY_RECORD && owners.length < r
  if (asked.length < r || unheard) return { asked: names, outcome: 'no_quorum', versions: [], sloppy }
  const versions = liveSiblings(record, wallMs, policy).map((sibling) => versionOf([sibling]))
  const outcome = versions.length === 0 ? 'not_found' : versions.length === 1 ? 'value' : 'siblings'
  return { asked: names, outcome, versions, sloppy }
}

/** Equal answers in one, in the order of the first of each. */
function grouped(answers: readonly Answer[]): Answer[] {
  const groups = new Map<string, Answer>()
  for (const answer of answers) {
    const name = JSON.stringify([answer.outcome, answer.versions, answer.sloppy])
    const group = groups.get(name)
    groups.set(name, group === undefined ? answer : { ...group, asked: [...group.asked, ...answer.asked] })
  }
  return [...groups.values()]
}

/** Every choice of `count` of the items, in their order. */
function choices<T>(items: readonly T[], count: number): T[][] {
  if (count === 0) return [[]]
  return items.flatMap((item, i) => choices(items.slice(i + 1), count - 1).map((rest) => [item, ...rest]))
}
