import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import path from 'node:path'

/**
 * Replaces the file as a whole, readable by its owner only: after a crash or a power cut it holds what it held before,
 * or this.
 */
export function writeDurably(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  const descriptor = openSync(draft, 'w', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(draft, file)
  syncDirectory(path.dirname(file))
}

/** Makes the directory and those above it, for their owner only, where they are missing. */
export function makeDurably(directory: string): void {
  if (existsSync(directory)) return
  const parent = path.dirname(directory)
  if (parent !== directory) makeDurably(parent)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  syncDirectory(parent)
}

/** Without it the names in a directory may be lost, and the files with them. */
function syncDirectory(directory: string): void {
  // Windows neither needs nor allows it.
  if (process.platform === 'win32') return
  let descriptor: number
  try {
    descriptor = openSync(directory, 'r')
  } catch (thrown) {
    // One may write to a directory of somebody else's that one may not read.
    if ((thrown as NodeJS.ErrnoException).code === 'EACCES') return
    throw thrown
  }
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
