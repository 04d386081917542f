import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const MIB = 1024 * 1024

/** Whether this machine lets its users mount file systems of their own, in a namespace of their own. */
export function hasSmallDisks(): boolean {
  const { status } = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], {
    stdio: 'ignore',
  })
  if (status === 0) return true
  console.log('left out: this machine does not let its users mount a file system (unshare -rm)')
  return false
}

/** A file system of a few megabytes, which only those see who are started `through` it. */
export class SmallDisk {
  /** Where it is mounted, for those. */
  readonly path: string
  private readonly holder: ChildProcess

  private constructor(directory: string, holder: ChildProcess) {
    this.path = directory
    this.holder = holder
  }

  static async mount(directory: string, megabytes: number): Promise<SmallDisk> {
    mkdirSync(directory, { recursive: true })
    const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "$0" && echo mounted && exec cat`
    const holder = spawn('unshare', ['-rm', 'sh', '-c', script, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    return new SmallDisk(directory, holder)
  }

  /** What a command is to be put behind to be run there. */
  get through(): readonly string[] {
    return ['nsenter', '-t', String(this.holder.pid), '-U', '-m', '--preserve-credentials']
  }

  /** Leaves no more than this free. */
  fill(leaveBytes: number): void {
    const { bavail, bsize } = statfsSync(this.outside)
    const ballast = Math.max(0, bavail * bsize - leaveBytes)
    for (let written = 0, part = 0; written < ballast; part++) {
      const bytes = Math.min(MIB, ballast - written)
      try {
        writeFileSync(path.join(this.outside, `ballast-${part}`), Buffer.alloc(bytes, 1))
      } catch (error) {
        // Whoever else writes there has been quicker.
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
        throw error
      }
      written += bytes
    }
  }

  makeRoom(): void {
    for (let part = 0; part < 4096; part++)
      rmSync(path.join(this.outside, `ballast-${part}`), { force: true })
  }

  async dispose(): Promise<void> {
    this.holder.stdin?.end()
    if (this.holder.exitCode === null) await once(this.holder, 'exit')
  }

  /** Where those find it who are not there. */
  get outside(): string {
    return path.join('/proc', String(this.holder.pid), 'root', this.path)
  }
}
