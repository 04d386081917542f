import type { ChalkInstance } from 'chalk'
import type {
  CopyReport,
  KeyNodeReport,
  KeyReport,
  ReadForecast,
  VersionReport,
} from '../../shared/key-report.ts'
import { formatBytes } from './quantity.ts'
import { paint } from './ring-status.ts'
import { renderTable } from './table.ts'

/** Characters of a digest that people can compare at a glance. */
const DIGEST_CHARS = 8

/** Whether the owners agree comes first, then what each node holds, then what reads would answer. */
export function renderKeyReport(report: KeyReport, colour: ChalkInstance): string {
  const { slot, n, conflicts, nodes } = report
  const reached = nodes.filter(holdsSomething)
  const quiet = nodes.filter((node) => !holdsSomething(node)).map(({ id }) => id)
  const lines = [keyHeadline(report, colour), `slot ${slot}, n ${n}, conflicts ${conflicts}`, '']
  lines.push(holdings(reached, colour))
  if (quiet.length > 0) lines.push(`and nothing at ${quiet.join(', ')}`)
  lines.push('', forecasts(report))
  return lines.join('\n')
}

/** Owners are always shown, the others where there is something to say of them. */
function holdsSomething({ role, answered, problem, copy, hints }: KeyNodeReport): boolean {
  return role === 'owner' || !answered || problem !== '' || copy !== null || hints.length > 0
}

export function keyHeadline({ same, merged, nodes }: KeyReport, colour: ChalkInstance): string {
  const owners = nodes.filter(({ role }) => role === 'owner')
  const named = (some: readonly KeyNodeReport[]): string => some.map(({ id }) => id).join(', ')
  if (same && merged === null) return colour.green('no owner holds anything of this key')
  if (same) return colour.green(owners.length === 1 ? 'its one owner holds it' : 'all owners hold the same')
  const differing = owners.filter(({ difference }) => difference !== undefined)
  const missing = owners.filter(({ answered }) => !answered)
  const damaged = owners.filter(({ answered, problem }) => answered && problem !== '')
  const parts = [
    ...(differing.length > 0 ? [`${named(differing)} ${differing.length === 1 ? 'is' : 'are'} behind`] : []),
    ...(damaged.length > 0 ? [`damaged on the disk of ${named(damaged)}`] : []),
    ...(missing.length > 0 ? [`${named(missing)} could not be asked`] : []),
  ]
  return colour.yellow(parts.join('; '))
}

function holdings(nodes: readonly KeyNodeReport[], colour: ChalkInstance): string {
  const copies = nodes.flatMap(({ copy, hints }) => [
    ...(copy ? [copy] : []),
    ...hints.map((hint) => hint.copy),
  ])
  const expires = copies.some(({ versions }) => versions.some(({ expiresAt }) => expiresAt !== undefined))
  const retired = copies.some((copy) => copy.retired > 0)
  const rows: string[][] = []
  for (const node of nodes) {
    const { id, role, state, copy, hints, problem } = node
    const place = [id, role, paint(state, colour)]
    const notes: string[][] = []
    if (problem !== '') notes.push([...place, colour.red(problem)])
    if (copy !== null) notes.push(...versionRows(place, '', copy))
    for (const hint of hints) notes.push(...versionRows(place, `hint for ${hint.for}: `, hint.copy))
    if (notes.length === 0) notes.push([...place, 'nothing'])
    // The node is named once.
    rows.push(...notes.map((row, i) => (i === 0 ? row : ['', '', '', ...row.slice(3)])))
  }
  const heads = ['NODE', 'ROLE', 'STATE', 'HOLDS', 'VERSION', 'TIME', 'SIZE', 'DIGEST', 'EXPIRES', 'RETIRED']
  const shown = heads.map((_, i) => (i === 8 ? expires : i === 9 ? retired : true))
  const columns = (row: readonly string[]) => heads.map((_, i) => row[i] ?? '').filter((_, i) => shown[i])
  return renderTable(columns(heads), rows.map(columns), [6])
}

function versionRows(place: readonly string[], prefix: string, copy: CopyReport): string[][] {
  if (copy.versions.length === 0) return [[...place, `${prefix}only what was replaced`]]
  return copy.versions.map((version, i) => [
    ...place,
    `${prefix}${kindOf(version)}`,
    version.version,
    formatTime(version.time),
    version.state === 'deleted' ? '-' : formatBytes(version.bytes),
    version.digest.slice(0, DIGEST_CHARS) || '-',
    version.expiresAt === undefined ? '-' : formatTime(version.expiresAt),
    i === 0 ? String(copy.retired) : '',
  ])
}

function kindOf({ state }: VersionReport): string {
  if (state === 'live') return 'value'
  return state === 'deleted' ? 'tombstone' : `${state} value`
}

/** `2026-01-31 12:00:00.123Z` */
export function formatTime(iso: string): string {
  return iso.replace('T', ' ')
}

function forecasts({ n, reads }: KeyReport): string {
  const rows = reads.flatMap(({ r, answers }) =>
    answers.map((answer, i) => [
      i === 0 ? `r=${r}` : '',
      allChoices(answers, n, r) ? 'any' : answer.asked.map((nodes) => nodes.join('+')).join(' or '),
      answerText(answer),
    ]),
  )
  return renderTable(['READ WITH', 'FROM', 'ANSWERS'], rows)
}

/** Whichever owners are asked, the answer is the same one. */
function allChoices(answers: ReadForecast['answers'], n: number, r: number): boolean {
  return answers.length === 1 && r < n && (answers[0]?.asked.length ?? 0) > 1
}

function answerText({ outcome, versions, sloppy }: ReadForecast['answers'][number]): string {
  const doubt = sloppy ? ' (sloppy: newer writes may be out of reach)' : ''
  if (outcome === 'no_quorum') return 'no quorum: too few nodes are in reach'
  if (outcome === 'not_found') return `not found${doubt}`
  return `${versions.join(' and ')}${doubt}`
}
