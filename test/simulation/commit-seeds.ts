import { execFileSync } from 'node:child_process'

/**
 * The first seed for the commit that is checked out at `root`, from the hash of what it holds: every change has others,
 * and a commit that is only moved to another place in the history has the same. Without git it is 1.
 */
export function startOfCommit(root: string): number {
  try {
    const hash = execFileSync('git', ['rev-parse', 'HEAD^{tree}'], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    return 1 + Number.parseInt(hash.slice(0, 6), 16)
  } catch {
    return 1
  }
}
