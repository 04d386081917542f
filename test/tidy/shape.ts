import path from 'node:path/posix'
import { type Finding, lineAt, type SourceFile } from './source-files.ts'

const MAX_LINES = 300

/** Folders by kind hide the concepts; they fill up with whatever has no name. */
const NAMELESS = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'types',
  'classes',
  'interfaces',
  'common',
  'misc',
  'lib',
])

/** Split, so that this file does not report itself. */
const MARKERS: readonly (readonly [RegExp, string])[] = [
  [/\bTO(?:DO)\b|\bFIX(?:ME)\b|\bXX(?:X)\b/g, 'unfinished work is marked'],
  [/@ts-(?:ignore|nocheck)|eslint-(?:disable)|biome-(?:ignore)/g, 'a check is switched off'],
]

const TEST_MARKERS: typeof MARKERS = [
  [/\b(?:describe|context|it|specify)\.(?:only|skip)\b|\bx(?:it|describe)\(/g, 'a test is skipped or alone'],
  [/\bthis\.skip\(/g, 'a test skips itself'],
]

/** One idea a file: its length, its name, and nothing left undone in it. */
export function checkShape(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  const report = (line: number, rule: string) => findings.push({ file: file.path, line, rule })
  const code = /\.(?:ts|js)$/.test(file.path)
  const ours = /^(?:cli|server|shared|test|compose)\//.test(file.path)
  if (!code || !ours) return findings
  const lines = file.text.split('\n').length - 1
  if (lines > MAX_LINES && /^(?:cli|server|shared)\//.test(file.path)) {
    report(MAX_LINES + 1, `${lines} lines, over ${MAX_LINES}: two ideas in one file`)
  }
  if (/^index\.\w+$/.test(path.basename(file.path)) && !file.path.startsWith('server/web/'))
    report(1, 'a barrel')
  for (const part of file.path.split('/').slice(0, -1)) {
    if (NAMELESS.has(part)) report(1, `the folder ${part} has no concept for its name`)
  }
  const stem = path.basename(file.path).replace(/\..*$/, '')
  if (NAMELESS.has(stem)) report(1, `the file ${stem} has no concept for its name`)
  const markers = file.path.startsWith('test/') ? [...MARKERS, ...TEST_MARKERS] : MARKERS
  for (const [pattern, rule] of markers) {
    for (const match of file.text.matchAll(pattern))
      report(lineAt(file.text, match.index), `${rule}: ${match[0]}`)
  }
  for (const match of file.text.matchAll(/^export \* (?:as \w+ )?from/gm)) {
    report(lineAt(file.text, match.index), 'a barrel: everything of another file is exported again')
  }
  return findings
}
