import { open, stat } from 'node:fs/promises'

/**
 * What makes one file or directory: device, inode and the moment of its birth. Renaming and moving within a file
 * system keep all three; a copy has others. The birth is needed because an inode that was freed is soon used again.
 */
export async function identity(path: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(path, { bigint: true })
  return `${dev}:${ino}:${birthtimeNs}`
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
