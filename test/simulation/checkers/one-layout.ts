import type { Evidence, Violation } from '../evidence.ts'

/** Law 7: at every number there is at most one layout. */
export function oneLayout(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  for (const [version, layouts] of evidence.observations.layouts) {
    if (layouts.size < 2) continue
    const each = [...layouts.values()].map(
      ({ conflicts, members, ringId }) =>
        `${members.map(({ id }) => id).join(' ')}, ${conflicts}, of ${ringId}`,
    )
    const message = `there are ${layouts.size} layouts ${version}: ${each.join('; ')}`
    violations.push({ checker: 'one-layout', key: '', message })
  }
  return violations
}
