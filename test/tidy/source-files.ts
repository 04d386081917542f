import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What a checker says against one place. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly rule: string
}

/** A file of the project: its path from the root, with `/` between the parts, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

const NOT_OURS = new Set(['node_modules', 'dist', '.git', 'coverage'])

/** Every text file of the project, in path order. */
export function readProject(): SourceFile[] {
  const files: SourceFile[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(path.join(ROOT, folder), { withFileTypes: true })) {
      const child = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (NOT_OURS.has(entry.name) || entry.name.startsWith('.ensure.lock')) continue
      if (entry.isDirectory()) visit(child)
      else if (entry.isFile()) {
        const text = readFileSync(path.join(ROOT, child), 'utf8')
        if (!text.includes('\0')) files.push({ path: child, text })
      }
    }
  }
  visit('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** `file:line: rule`, as a failed test shows it. */
export function describeFinding({ file, line, rule }: Finding): string {
  return `${file}:${line}: ${rule}`
}

/** The line, from 1, of an offset in a text. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}
