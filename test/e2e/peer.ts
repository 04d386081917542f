import { spawnSync } from 'node:child_process'

/**
 * Whether tests that need a program which this project does not bring with it are to run: where it is missing a line
 * tells how to get it. With KVRING_TEST_PEERS=all, as in .ci/run, they run, and fail, all the same.
 */
export function hasPeer(program: string): boolean {
  if (process.env.KVRING_TEST_PEERS === 'all') return true
  if (spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0) return true
  console.log(`left out: there is no ${program} here; on Debian: apt-get install ${program}`)
  return false
}
