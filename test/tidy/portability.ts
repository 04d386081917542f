import { existsSync } from 'node:fs'
import path from 'node:path'
import { type Finding, lineAt, ROOT, type SourceFile } from './source-files.ts'

/** A made-up home, such as the tests have, belongs to `me`. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [/(?<![\w.$}])\/(?:home|Users|root|work)\/(?!me\b)[\w.-]+/g, 'a path of one machine'],
  [/\bC:\\Users\\/g, 'a path of one machine'],
  [
    /\bregistry\.[\w-]+\.\w+|\bnpm\.pkg\.\w+|\b[\w-]+\.(?:jfrog|pkgs)\.\w+/g,
    'the host of a package registry',
  ],
]

/** Whatever works or is true only where it was written. */
export function checkPortability(file: SourceFile): Finding[] {
  return FOREIGN.flatMap(([pattern, rule]) =>
    [...file.text.matchAll(pattern)].map((match) => ({
      file: file.path,
      line: lineAt(file.text, match.index),
      rule: `${rule}: ${match[0]}`,
    })),
  )
}

/** The lockfile must not say where packages were fetched from: another place has another registry. */
export function checkLockfile(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  const { packages = {} } = JSON.parse(file.text) as { packages?: Record<string, LockedPackage> }
  for (const [location, entry] of Object.entries(packages)) {
    const at = { file: file.path, line: lineAt(file.text, file.text.indexOf(`"${location}"`)) }
    if (entry.resolved !== undefined) findings.push({ ...at, rule: `${location} has a "resolved" address` })
    const expected = location !== '' && !entry.link && !entry.inBundle && !forOnePlatform(entry)
    if (expected && entry.integrity === undefined) {
      findings.push({ ...at, rule: `${location} has no integrity` })
    }
  }
  return findings
}

/** Most of these are never installed here, so npm may not know their content. */
function forOnePlatform({ optional, os, cpu }: LockedPackage): boolean {
  return optional === true && os !== undefined && cpu !== undefined
}

interface LockedPackage {
  readonly resolved?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly inBundle?: boolean
  readonly optional?: boolean
  readonly os?: unknown
  readonly cpu?: unknown
}

/** Links to files of the project, and to headings in them, that lead nowhere. */
export function checkLinks(file: SourceFile, read: (path: string) => string | undefined): Finding[] {
  const findings: Finding[] = []
  const prose = file.text.replace(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replace(/[^\n]/g, ' '))
  for (const match of prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)) {
    const link = match[1] ?? ''
    if (/^[a-z]+:/.test(link)) continue
    const [target = '', heading] = link.split('#')
    const linked = target === '' ? file.path : path.posix.join(path.posix.dirname(file.path), target)
    const text = read(linked)
    const resolves = text !== undefined && (heading === undefined || headings(text).has(heading))
    if (!resolves)
      findings.push({
        file: file.path,
        line: lineAt(prose, match.index),
        rule: `the link ${link} leads nowhere`,
      })
  }
  return findings
}

/** The text of a linked file; '' for a folder. */
export function readLinked(linked: string, files: ReadonlyMap<string, SourceFile>): string | undefined {
  const file = files.get(linked)
  if (file) return file.text
  return existsSync(path.join(ROOT, linked)) ? '' : undefined
}

/** The anchors of a page's headings, as code hosts make them. */
function headings(text: string): Set<string> {
  const anchors = [...text.matchAll(/^#+\s+(.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  )
  return new Set(anchors)
}
