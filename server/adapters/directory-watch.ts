import { type Stats, statSync } from 'node:fs'

/** Tells when a directory was removed, moved away or replaced while the files in it are still open. */
export class DirectoryWatch {
  private readonly path: string
  private readonly inode: number

  constructor(path: string) {
    this.path = path
    this.inode = statSync(path).ino
  }

  present(): boolean {
    let found: Stats
    try {
      found = statSync(this.path)
    } catch (error) {
      // Only what is certainly gone counts: a disk that cannot answer now may answer later.
      return (error as NodeJS.ErrnoException).code !== 'ENOENT'
    }
    return found.ino === this.inode
  }
}
