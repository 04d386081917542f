import { execFileSync } from 'node:child_process'

/** The first seed for the commit that is checked out at `root`: every commit has others. Without git it is 1. */
export function startOfCommit(root: string): number {
  try {
    const hash = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8', stdio: 'pipe' })
    return 1 + Number.parseInt(hash.slice(0, 6), 16)
  } catch {
    return 1
  }
}
