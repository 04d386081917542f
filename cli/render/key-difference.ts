import type { ChalkInstance } from 'chalk'
import type { CopyReport, KeyNodeReport, KeyReport, VersionReport } from '../../shared/key-report.ts'
import { formatTime, keyHeadline } from './key-report.ts'
import { formatBytes } from './quantity.ts'

/** What each owner has otherwise than all copies merged, line by line. */
export function renderKeyDifference(report: KeyReport, colour: ChalkInstance): string {
  const lines = [keyHeadline(report, colour)]
  const known = versionsOf(report)
  const owners = report.nodes.filter(({ role }) => role === 'owner')
  for (const owner of owners) lines.push(...ownerLines(owner, known))
  for (const { id, hints } of report.nodes) {
    for (const hint of hints) lines.push(`${id} keeps a hint for ${hint.for}: ${describeCopy(hint.copy)}`)
  }
  const unasked = report.nodes.filter(({ role, answered }) => role === 'fallback' && !answered)
  for (const { id, problem } of unasked) lines.push(`${id}, which may keep hints, was ${problem}`)
  return lines.join('\n')
}

function ownerLines(owner: KeyNodeReport, known: ReadonlyMap<string, VersionReport>): string[] {
  const { id, answered, problem, difference } = owner
  const lines: string[] = []
  if (problem !== '') lines.push(answered ? `${id}: ${problem}` : `${id} was ${problem}`)
  if (difference === undefined) return lines
  const { lacks, outdated, restamped, pastDiffers } = difference
  const named = (versions: readonly string[]) =>
    versions.map((version) => describe(version, known)).join(', ')
  if (lacks.length > 0) lines.push(`${id} lacks ${named(lacks)}`)
  if (outdated.length > 0) lines.push(`${id} still has ${named(outdated)}, which was replaced`)
  if (restamped.length > 0) lines.push(`${id} has an older stamp of ${named(restamped)}`)
  if (pastDiffers && lines.length === 0) lines.push(`${id} knows less of what was replaced`)
  return lines
}

function versionsOf({ merged, nodes }: KeyReport): Map<string, VersionReport> {
  const copies = nodes.flatMap(({ copy, hints }) => [copy, ...hints.map((hint) => hint.copy)])
  const versions = [...copies, merged].flatMap((copy) => copy?.versions ?? [])
  return new Map(versions.map((version) => [version.version, version]))
}

function describe(name: string, known: ReadonlyMap<string, VersionReport>): string {
  const version = known.get(name)
  return version === undefined ? name : `${name} (${describeVersion(version)})`
}

function describeVersion({ state, bytes, time }: VersionReport): string {
  const what = state === 'deleted' ? 'a tombstone' : formatBytes(bytes)
  return `${what}, ${formatTime(time)}`
}

function describeCopy({ versions }: CopyReport): string {
  return versions.map((version) => `${version.version} (${describeVersion(version)})`).join(', ')
}
