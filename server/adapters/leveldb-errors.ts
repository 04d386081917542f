import { KvError } from '../../shared/errors.ts'

/** What to do about a database that LevelDB can no longer read. */
export function restoreHint(directory: string): string {
  return `stop the node, move ${directory} away and start the node again: the ring gives it its data back`
}

function innermost(thrown: unknown): Error & { code?: string } {
  let error = thrown instanceof Error ? thrown : new Error(String(thrown))
  while (error.cause instanceof Error) error = error.cause
  return error
}

export function isCorruption(thrown: unknown): boolean {
  return innermost(thrown).code === 'LEVEL_CORRUPTION'
}

/**
 * What LevelDB or the file system has thrown, as a KvError that says what happened and what to do.
 * `directory` is the node's data directory.
 */
export function storageError(thrown: unknown, directory: string): KvError {
  if (thrown instanceof KvError) return thrown
  const { code, message } = innermost(thrown)
  if (code === 'LEVEL_LOCKED') {
    return new KvError(
      'conflict',
      `another process has the database in ${directory} open`,
      `find it with: fuser ${directory}/db/LOCK`,
    )
  }
  if (isCorruption(thrown)) {
    return new KvError(
      'storage_failed',
      `the database in ${directory} is damaged: ${message}`,
      restoreHint(directory),
    )
  }
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|quota exceeded/i.test(message)) {
    return new KvError(
      'storage_failed',
      `the disk of ${directory} is full: ${message}`,
      `make room on it (df ${directory}), then start the node again`,
    )
  }
  if (
    code === 'EACCES' ||
    code === 'EPERM' ||
    code === 'EROFS' ||
    /permission denied|read-only/i.test(message)
  ) {
    return new KvError(
      'usage',
      `cannot write to ${directory}: ${message}`,
      'give the user that runs the node write permission, or choose another --data directory',
    )
  }
  if (code === 'EMFILE' || /too many open files/i.test(message)) {
    return new KvError(
      'storage_failed',
      `no file descriptors are left: ${message}`,
      'raise the limit: ulimit -n 4096',
    )
  }
  return new KvError(
    'storage_failed',
    `the disk of ${directory} failed: ${message}`,
    'look for disk errors: dmesg | tail',
  )
}
