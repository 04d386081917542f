import { open, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { identity } from './file-identity.ts'

export const LOCK_FILE = 'lock'

interface Holder {
  readonly pid: number
  /** When the process began, where that can be known: process ids come again. '' where not. */
  readonly began: string
  /** The lock file itself: one that was copied along with its directory locks nothing. */
  readonly file: string
}

/**
 * Takes the data directory for this process, or takes it over from one that is gone.
 *
 * This lock names the process that is in the way, and keeps two nodes from looking over one directory at once.
 * The one that cannot be got past is LevelDB's own, which the operating system holds.
 *
 * @returns what releases it.
 * @throws KvError `conflict` that names the process.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, LOCK_FILE)
  const began = (await beginning(process.pid)) ?? ''
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600)
      try {
        const self: Holder = { pid: process.pid, began, file: await identity(path) }
        await file.writeFile(`${JSON.stringify(self)}\n`)
      } finally {
        await file.close()
      }
      return () => unlink(path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    }
    const holder = await readHolder(path)
    if (holder !== undefined && (await isRunning(holder, began))) {
      const who = holder.pid === process.pid ? `this process (${holder.pid})` : `process ${holder.pid}`
      throw new KvError(
        'conflict',
        `the data directory ${directory} is in use by ${who}`,
        `stop it first (kill ${holder.pid}), or give this node a --data directory of its own`,
      )
    }
    await removeStale(path)
  }
}

async function removeStale(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (thrown) {
    // Somebody else was faster.
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, began, file } = JSON.parse(await readFile(path, 'utf8'))
    if (!Number.isSafeInteger(pid) || pid <= 0 || typeof began !== 'string') return undefined
    return file === (await identity(path)) ? { pid, began, file } : undefined
  } catch {
    // Left behind by a process that died while it wrote it.
    return undefined
  }
}

async function isRunning(holder: Holder, ownBeginning: string): Promise<boolean> {
  // A container gives its process the same id every time it starts.
  if (holder.pid === process.pid) return holder.began === ownBeginning && ownBeginning !== ''
  try {
    process.kill(holder.pid, 0)
  } catch (thrown) {
    // EPERM: it is there, but belongs to somebody else.
    if ((thrown as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  if (holder.began === '') return true
  return (await beginning(holder.pid)) === holder.began
}

/** The boot and the tick at which a process began; undefined where it is gone, or the system does not tell. */
async function beginning(pid: number): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything; the state and the numbers follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, ticks] = [fields[0], fields[19]]
    return state === 'Z' || state === 'X' ? undefined : `${boot}:${ticks}`
  } catch {
    return undefined
  }
}
