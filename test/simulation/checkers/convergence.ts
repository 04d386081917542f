import type { Evidence, FinalCopy, Violation } from '../evidence.ts'

/** Law 8: when all is healed and read, the owners of a key hold the same bytes, and nobody else holds any. */
export function convergence(evidence: Evidence): Violation[] {
  const violations: Violation[] = []
  const byKey = new Map<string, FinalCopy[]>()
  for (const copy of evidence.finals) byKey.set(copy.key, [...(byKey.get(copy.key) ?? []), copy])
  // What expires may do so while it is read, at one node a moment before the other.
  const lasting = new Set(
    evidence.history.writes.filter(({ ttlMs }) => ttlMs === 0).map(({ value }) => value),
  )
  for (const [key, copies] of byKey) {
    const report = (message: string) => violations.push({ checker: 'convergence', key, message })
    const owners = copies.filter((copy) => copy.owner)
    const first = owners[0]
    for (const { node, bytes, record } of copies)
      if (bytes !== undefined && record === undefined) report(`${node} holds a damaged record`)
    for (const copy of owners) {
      const same = (copy.bytes ?? NOTHING).equals(first?.bytes ?? NOTHING)
      if (!same) report(`${copy.node} holds ${show(copy)}, ${first?.node} holds ${show(first as FinalCopy)}`)
    }
    for (const copy of copies) {
      if (!copy.owner && copy.bytes !== undefined) report(`${copy.node} is no owner and holds ${show(copy)}`)
    }
    const answers = new Map<string, string>()
    for (const read of evidence.history.reads) {
      if (!read.final || read.key !== key || read.outcome !== 'ok') continue
      const values = read.values.filter((value) => lasting.has(value))
      answers.set(values.sort().join(), read.node)
    }
    if (answers.size > 1) report(`the nodes answer differently: ${[...answers.values()].join(', ')}`)
  }
  return violations
}

const NOTHING = Buffer.alloc(0)

function show(copy: FinalCopy): string {
  const siblings = copy.record?.siblings ?? []
  const versions = siblings.map(
    (sibling) => `${sibling.request || '?'} as ${sibling.dot.actor}:${sibling.dot.counter}`,
  )
  return versions.length === 0 ? 'nothing' : versions.join(' and ')
}
