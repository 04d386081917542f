import { statfs } from 'node:fs/promises'
import { KvError } from '../../shared/errors.ts'

export interface DiskSpaceSettings {
  /** The node's data directory. */
  readonly directory: string
  /** What must stay free on its file system, so that the database can go on with what it has; 0: no matter. */
  readonly minFreeBytes: number
}

const LOOK_EVERY_MS = 500
const MIB = 1024 * 1024

/**
 * Looks how much room is left on a node's disk. A database that finds none when it writes is broken off in the
 * middle, and nobody knows what of it is there; so a node stops to take in more while there is still some.
 */
export class DiskSpace {
  /** Why nothing more should be taken in now. */
  shortage: KvError | undefined
  private readonly settings: DiskSpaceSettings
  private timer: NodeJS.Timeout | undefined
  private closed = false

  private constructor(settings: DiskSpaceSettings) {
    this.settings = settings
  }

  /** Resolves after the first look. */
  static async watch(settings: DiskSpaceSettings): Promise<DiskSpace> {
    const space = new DiskSpace(settings)
    if (settings.minFreeBytes > 0) await space.look()
    return space
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  private async look(): Promise<void> {
    const { directory, minFreeBytes } = this.settings
    const free = await freeBytes(directory)
    if (this.closed) return
    this.shortage = free !== undefined && free < minFreeBytes ? shortageOf(this.settings, free) : undefined
    this.timer = setTimeout(() => void this.look(), LOOK_EVERY_MS)
    this.timer.unref()
  }
}

/** undefined where the file system does not tell. */
async function freeBytes(directory: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(directory)
    return bavail * bsize
  } catch {
    return undefined
  }
}

function shortageOf({ directory, minFreeBytes }: DiskSpaceSettings, free: number): KvError {
  return new KvError(
    'storage_failed',
    `the disk of ${directory} is full: ${Math.floor(free / MIB)} MiB are free, ${Math.ceil(minFreeBytes / MIB)} must stay so`,
    `make room on it (df ${directory}): the node goes on by itself`,
  )
}
