import { MAX_SIBLINGS } from '../../../server/causality/record.ts'
import type { Evidence, Violation } from '../evidence.ts'

/**
 * Nothing grows without bound, whatever clients leave unresolved and whoever is out of reach. A writer that finds as
 * many values of a key as there may be adds none, but may not have heard yet of what others have added.
 */
export function bounds({ gauges, observations }: Evidence): Violation[] {
  const violations: Violation[] = []
  const report = (key: string, message: string) => violations.push({ checker: 'bounds', key, message })
  const { largest } = observations
  const record = largest.get('bytes')?.count ?? 0
  for (const { name, node, most, bound } of gauges) {
    // Room is asked for before a hint is taken, so the last one may reach over its end.
    const over = name === 'hint_bytes' && bound > 0 ? record : 0
    if (most > bound + over) report('', `${node} has had ${most} of ${name}, and may have ${bound}`)
  }
  const { key = '', count = 0 } = largest.get('values of one writer') ?? {}
  if (count > MAX_SIBLINGS)
    report(key, `there was a record with ${count} values of one writer, and there may be ${MAX_SIBLINGS}`)
  return violations
}
