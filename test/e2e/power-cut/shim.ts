import { spawnSync } from 'node:child_process'
import path from 'node:path'
import type { Journal } from './journal.ts'

const SOURCE = path.join(import.meta.dirname, 'journal-shim.c')

/**
 * Whether a process can be made to write down what it does to its files: on Linux, with a C compiler. With
 * KVRING_TEST_PEERS=all, as in .ci/run, there must be one.
 */
export function hasShim(): boolean {
  if (process.platform !== 'linux') {
    console.log('left out: only on Linux can the tests write down what a process does to its files')
    return false
  }
  if (process.env.KVRING_TEST_PEERS === 'all') return true
  if (spawnSync('gcc', ['-fsyntax-only', SOURCE], { stdio: 'ignore' }).status === 0) return true
  console.log('left out: there is no C compiler here; on Debian: apt-get install gcc libc6-dev')
  return false
}

/** Compiles it. @returns the file to be preloaded. */
export function buildShim(directory: string): string {
  const file = path.join(directory, 'journal-shim.so')
  const argv = ['-shared', '-fPIC', '-O2', '-o', file, SOURCE, '-ldl', '-lpthread']
  const { status, stderr } = spawnSync('gcc', argv, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`gcc failed: ${stderr}`)
  return file
}

/** The environment of a process whose changes below `root`, a path without symbolic links, go into the journal. */
export function tracing(shim: string, root: string, journal: Journal): Record<string, string> {
  return {
    LD_PRELOAD: shim,
    POWER_CUT_ROOT: root,
    POWER_CUT_JOURNAL: journal.file,
    // Not past the functions of the C library.
    UV_USE_IO_URING: '0',
  }
}
