import type { Evidence, Violation } from '../evidence.ts'

/** Law 4: no dot names two values. */
export function uniqueness(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  for (const [dot, sightings] of evidence.observations.byDot) {
    if (sightings.length < 2) continue
    const writes = sightings.map((sighting) => `${sighting.request} of ${sighting.key}`).join(' and ')
    violations.push({
      checker: 'uniqueness',
      key: sightings[0]?.key ?? '',
      message: `${dot} names ${writes}`,
    })
  }
  return violations
}
