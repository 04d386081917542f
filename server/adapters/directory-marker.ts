import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { KvError } from '../../shared/errors.ts'
import { identity, isSameFile, syncDirectory } from './file-identity.ts'
import { restoreHint } from './leveldb-errors.ts'

export const MARKER_FILE = 'kvring.json'
export const MARKER_DRAFT = 'kvring.json.new'

/** The layout of a data directory; rises when an older kvring could not read it. */
export const FORMAT = 1

/**
 * creating: nothing has been written to the database yet. open: a node runs on it, or stopped without closing it.
 * closed: it was closed in good order. damaged: the database has come across files of its own that it cannot read,
 * and does not write any more.
 */
export type DirectoryState = 'creating' | 'open' | 'closed' | 'damaged'

export interface Marker {
  readonly format: number
  readonly cluster: string
  readonly id: string
  /** Random: names this life of the node's disk. */
  readonly incarnation: string
  readonly state: DirectoryState
  /** The database's files and their sizes when it was closed; empty otherwise. */
  readonly files: readonly (readonly [name: string, bytes: number])[]
}

interface StoredMarker extends Marker {
  readonly directory: string
  readonly file: string
}

export interface FoundMarker {
  readonly marker: Marker
  /** It was not written where it stands: the directory was copied, or restored from a copy. */
  readonly copied: boolean
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0')
}

/**
 * @returns undefined where there is no marker.
 * @throws KvError `storage_failed` where it is damaged, `usage` where a newer kvring has written it.
 */
export async function readMarker(directory: string): Promise<FoundMarker | undefined> {
  const path = join(directory, MARKER_FILE)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
  const stored = parse(text)
  if (stored === 'damaged') {
    throw new KvError(
      'storage_failed',
      `${path} is damaged: its content is not what was written`,
      restoreHint(directory),
    )
  }
  if (typeof stored === 'number') {
    throw new KvError(
      'usage',
      `${directory} was written by a newer kvring (format ${stored}; this one knows ${FORMAT})`,
      'install the newer kvring again, or choose another --data directory',
    )
  }
  const { directory: directoryThen, file: fileThen, ...marker } = stored
  const there =
    isSameFile(directoryThen, await identity(directory)) && isSameFile(fileThen, await identity(path))
  return { marker, copied: !there }
}

/** The marker, the number of a format that is too new, or 'damaged'. */
function parse(text: string): StoredMarker | number | 'damaged' {
  try {
    const { checksum: expected, ...stored } = JSON.parse(text)
    if (checksum(JSON.stringify(stored)) !== expected || !Number.isSafeInteger(stored.format))
      return 'damaged'
    return stored.format > FORMAT ? stored.format : stored
  } catch {
    return 'damaged'
  }
}

/**
 * Durable when it resolves. Each time a new file takes the place of the old, so that an older marker that is copied
 * back over it, as a restore in place does, names a file that is no more.
 */
export async function writeMarker(directory: string, marker: Marker): Promise<void> {
  const draft = join(directory, MARKER_DRAFT)
  const file = await open(draft, 'w', 0o600)
  try {
    const stored: StoredMarker = {
      ...marker,
      directory: await identity(directory),
      file: await identity(draft),
    }
    const text = JSON.stringify({ ...stored, checksum: checksum(JSON.stringify(stored)) }, undefined, 2)
    await file.writeFile(`${text}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, join(directory, MARKER_FILE))
  await syncDirectory(directory)
}
