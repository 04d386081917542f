import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { KvError } from '../../shared/errors.ts'
import { LOCK_FILE, lockDirectory } from './directory-lock.ts'
import {
  FORMAT,
  MARKER_DRAFT,
  MARKER_FILE,
  type Marker,
  readMarker,
  writeMarker,
} from './directory-marker.ts'
import { DiskSpace } from './disk-space.ts'
import { syncDirectory } from './file-identity.ts'
import { checkDatabase } from './leveldb-check.ts'
import { restoreHint, storageError } from './leveldb-errors.ts'
import { type Durability, LevelStorage } from './leveldb-storage.ts'

export interface DataDirectorySettings {
  readonly path: string
  readonly cluster: string
  readonly id: string
  readonly durability?: Durability
  /** See DiskSpaceSettings; 0 when absent. */
  readonly minFreeBytes?: number
}

export interface DataDirectory {
  readonly storage: LevelStorage
  /** Drawn when the directory was made, and again when it turned out to be a copy. */
  readonly incarnation: string
  /** It was made by this call. */
  readonly created: boolean
  /** It was copied or restored since it was last open: the incarnation is new. */
  readonly copied: boolean
  /** It had been closed in good order: the database is all that it was then. */
  readonly clean: boolean
  /** Closes the storage, and marks the directory as closed unless a commit has failed. */
  close(): Promise<void>
}

const DATABASE = 'db'

/** What may lie in a directory that is still taken for an empty one. */
const IGNORED = new Set([LOCK_FILE, MARKER_DRAFT, 'lost+found'])

/** Files of LevelDB's that hold no data. */
const DIAGNOSTIC = new Set(['LOCK', 'LOG', 'LOG.old'])

/**
 * Measured with 500,000 records of 150 bytes: a larger write buffer spares values of many kilobytes half of the
 * compactions, and its log is read in a fraction of a second at the start; beyond this cache the operating system's
 * does as well; compression costs nothing that can be measured and halves what text takes.
 */
const DATABASE_OPTIONS = {
  keyEncoding: 'buffer',
  valueEncoding: 'buffer',
  cacheSize: 32 * 1024 * 1024,
  writeBufferSize: 16 * 1024 * 1024,
  compression: true,
} as const

/**
 * Opens, or creates, the data directory of a node: a marker that says whose it is, a lock, and the database.
 * @throws KvError `usage` where the path is not this node's to use, `conflict` where a running process has it open,
 *   `storage_failed` where it is damaged or the disk fails. None of them changes the data that was found there.
 */
export async function openDataDirectory(settings: DataDirectorySettings): Promise<DataDirectory> {
  const directory = resolve(settings.path)
  try {
    await makeDirectory(directory)
    await findMarker(directory, settings)
    const unlock = await lockDirectory(directory)
    try {
      return await openLocked(directory, settings, unlock)
    } catch (thrown) {
      await unlock()
      throw thrown
    }
  } catch (thrown) {
    throw storageError(thrown, directory)
  }
}

async function openLocked(
  directory: string,
  settings: DataDirectorySettings,
  unlock: () => Promise<void>,
): Promise<DataDirectory> {
  const database = join(directory, DATABASE)
  const found = await findMarker(directory, settings)
  const before = found?.marker
  const created = before === undefined || before.state === 'creating'
  if (before?.state === 'damaged') {
    const what = 'it has come across files that it cannot read, and does not write any more'
    throw new KvError(
      'storage_failed',
      `the database in ${directory} is damaged: ${what}`,
      restoreHint(directory),
    )
  }
  if (!created) {
    checkSizes(directory, before, await sizes(database))
    await checkDatabase(database, directory)
  }
  const copied = found?.copied === true && !created
  const incarnation = before === undefined || found?.copied === true ? drawIncarnation() : before.incarnation
  const { cluster, id } = settings
  const marker: Marker = { format: FORMAT, cluster, id, incarnation, state: 'open', files: [] }
  await writeMarker(directory, created ? { ...marker, state: 'creating' } : marker)

  // LevelDB does not fsync the first files that it makes: after a power cut there may be some of them, and empty.
  if (before?.state === 'creating') await rm(database, { recursive: true, force: true })

  const db = new ClassicLevel<Buffer, Buffer>(database, { ...DATABASE_OPTIONS, createIfMissing: created })
  await db.open()
  try {
    // It has renamed a new CURRENT into its place, and left it to the file system when that becomes durable.
    await syncDirectory(database)
    if (created) {
      // The marker must not be there before the database is.
      await syncDirectory(directory)
      await writeMarker(directory, marker)
    }
  } catch (thrown) {
    await db.close()
    throw thrown
  }
  const space = await DiskSpace.watch({ directory, minFreeBytes: settings.minFreeBytes ?? 0 })
  const storage = new LevelStorage({ db, space }, { durability: settings.durability ?? 'sync', directory })
  return {
    storage,
    incarnation,
    created,
    copied,
    clean: before?.state === 'closed',
    close: async () => {
      await storage.close()
      try {
        if (storage.healthy()) await markClosed(directory, database, marker)
        // It would fail again and again, each time after it has been open for a while.
        else if (storage.damage() !== undefined) await writeMarker(directory, { ...marker, state: 'damaged' })
      } catch (thrown) {
        throw storageError(thrown, directory)
      } finally {
        await unlock()
      }
    },
  }
}

async function makeDirectory(directory: string): Promise<void> {
  const found = await stat(directory).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === 'ENOENT') return undefined
    if (thrown.code === 'ENOTDIR') throw notADirectory(directory)
    throw thrown
  })
  if (found !== undefined && !found.isDirectory()) throw notADirectory(directory)
  if (found !== undefined) return
  await makePath(directory)
}

/** Durably, and without the endless loop of `recursive: true` where the parent is there but takes no directories. */
async function makePath(path: string): Promise<void> {
  const parent = dirname(path)
  const parentFound = await stat(parent).catch(() => undefined)
  if (parentFound === undefined && parent !== path) await makePath(parent)
  await mkdir(path, { mode: 0o700 }).catch((thrown: NodeJS.ErrnoException) => {
    // Nodes that start together under one new parent: another one was faster.
    if (thrown.code !== 'EEXIST') throw thrown
  })
  await syncDirectory(parent)
}

function notADirectory(directory: string): KvError {
  return new KvError('usage', `${directory} is a file, not a directory`, 'choose another --data directory')
}

/** The marker, after all that can be refused without changing anything has been. */
async function findMarker(directory: string, settings: DataDirectorySettings) {
  const found = await readMarker(directory)
  if (found === undefined) {
    const other = (await readdir(directory)).find((name) => !IGNORED.has(name))
    if (other === undefined) return undefined
    throw new KvError(
      'usage',
      `${directory} is not a kvring data directory, and is not empty: it has no ${MARKER_FILE}, but ${other}`,
      'choose an empty or new --data directory',
    )
  }
  const { cluster, id } = found.marker
  if (cluster !== settings.cluster) {
    throw new KvError(
      'usage',
      `${directory} belongs to the cluster ${cluster}, not to ${settings.cluster}`,
      `start the node with --cluster ${cluster}, or choose another --data directory`,
    )
  }
  if (id !== settings.id) {
    throw new KvError(
      'usage',
      `${directory} belongs to the node ${id}, not to ${settings.id}`,
      `start the node with --id ${id}, or choose another --data directory`,
    )
  }
  return found
}

/** 64 bits: enough that no two lives of a disk ever share one. */
function drawIncarnation(): string {
  return randomBytes(8).toString('hex')
}

/** The files that hold data, with their sizes; in byte order. */
async function sizes(database: string): Promise<Map<string, number>> {
  const names = (await readdir(database).catch(() => [])).filter((name) => !DIAGNOSTIC.has(name))
  const stats = await Promise.all(names.map((name) => stat(join(database, name))))
  return new Map(names.map((name, i) => [name, stats[i]!.size]))
}

/** What was closed in good order can have lost nothing since, not even the end of a log. */
function checkSizes(directory: string, marker: Marker, found: ReadonlyMap<string, number>): void {
  for (const [name, bytes] of marker.files) {
    const actual = found.get(name)
    if (actual === bytes) continue
    const what = actual === undefined ? 'is missing' : `has ${actual} bytes instead of ${bytes}`
    throw new KvError(
      'storage_failed',
      `the database in ${directory} is damaged: ${name} ${what} since the node was stopped`,
      restoreHint(directory),
    )
  }
}

async function markClosed(directory: string, database: string, marker: Marker): Promise<void> {
  const files = await sizes(database)
  // With async durability the log may still be in memory only.
  for (const name of files.keys()) {
    if (!name.endsWith('.log')) continue
    const log = await open(join(database, name), 'r+')
    await log.sync().finally(() => log.close())
  }
  await syncDirectory(database)
  await writeMarker(directory, { ...marker, state: 'closed', files: [...files] })
}
