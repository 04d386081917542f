import { open, stat } from 'node:fs/promises'

/**
 * What makes one file or directory: device, inode and the moment of its birth. Renaming and moving within a file
 * system keep all three; a copy has others. The birth is needed because an inode that was freed is soon used again.
 */
export async function identity(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(path, { bigint: true })
  return `${dev}:${ino}:${birthtimeNs}`
}

/**
 * Whether two identities are those of one file. The device has another number after many a restart of the machine: of
 * a volume that was attached in another order, or on Btrfs. So it counts only where the file system tells no birth.
 */
export function isSameFile(one: string, other: string): boolean {
  if (one === other) return true
  const [, inode, birth] = one.split(':')
  const [, otherInode, otherBirth] = other.split(':')
  return inode === otherInode && birth === otherBirth && birth !== '0'
}

/** Makes the names in a directory durable, for which fsync of the files is not enough. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows neither needs nor allows it.
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
