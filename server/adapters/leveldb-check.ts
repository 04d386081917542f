import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { restoreHint } from './leveldb-errors.ts'
import { readLog } from './leveldb-log.ts'
import { tableDamage } from './leveldb-table.ts'

/** Ends every table file. (LevelDB, doc/table_format.md) */
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** So much of the tables, the newest, is read through before a node starts: at some 400 MB/s that takes a second. */
const MAX_TABLE_BYTES = 512 * 1024 * 1024

/** What the MANIFEST says must be there. (LevelDB, db/version_edit.cc) */
interface Version {
  /** Sizes of the live table files, by file number. */
  readonly tables: Map<number, number>
  /** Write-ahead logs from this number on are still needed. */
  logNumber: number
}

/**
 * Looks for damage in a LevelDB database that nobody has open, and changes nothing.
 *
 * LevelDB as it is built for Node.js opens with its paranoid checks off: it drops what it cannot read from its
 * write-ahead logs without a word, and notices a table that was cut short only when it comes to read the end of it.
 * Neither may happen to a node that has promised to keep what was written.
 *
 * Costs one look at every table and the reading of the logs and of the newest MAX_TABLE_BYTES of tables: a database
 * that is larger is left to scrubs beyond that.
 * @throws KvError `storage_failed` that names the damaged file.
 */
export async function checkDatabase(path: string, directory: string): Promise<void> {
  const damaged = (file: string, what: string) =>
    new KvError(
      'storage_failed',
      `the database in ${directory} is damaged: ${file} ${what}`,
      restoreHint(directory),
    )
  const names = new Set(await readdir(path).catch(() => []))
  if (!names.has('CURRENT')) throw damaged('CURRENT', 'is missing')
  const manifest = (await readFile(join(path, 'CURRENT'), 'latin1')).trimEnd()
  if (!/^MANIFEST-\d{6,}$/.test(manifest)) throw damaged('CURRENT', 'does not name a MANIFEST')
  if (!names.has(manifest)) throw damaged(manifest, 'is missing')
  const edits = readLog(await readFile(join(path, manifest)))
  if (edits.damagedAt !== undefined) throw damaged(manifest, `cannot be read from byte ${edits.damagedAt} on`)
  const version = readVersion(edits.records)
  if (version === undefined) throw damaged(manifest, 'does not describe a database')

  let unread = MAX_TABLE_BYTES
  for (const [number, size] of [...version.tables].sort(([a], [b]) => b - a)) {
    const file = [fileName(number, 'ldb'), fileName(number, 'sst')].find((name) => names.has(name))
    if (file === undefined) throw damaged(fileName(number, 'ldb'), 'is missing')
    const actual = (await stat(join(path, file))).size
    if (actual !== size) throw damaged(file, `has ${actual} bytes instead of ${size}`)
    const ending = await readEnding(join(path, file), actual)
    if (!ending.equals(TABLE_MAGIC)) throw damaged(file, 'does not end as a table does')
    unread -= size
    const what = unread < 0 ? undefined : tableDamage(await readFile(join(path, file)))
    if (what !== undefined) throw damaged(file, what)
  }
  for (const name of names) {
    const number = /^(\d+)\.log$/.exec(name)?.[1]
    if (number === undefined || Number(number) < version.logNumber) continue
    const { damagedAt } = readLog(await readFile(join(path, name)))
    if (damagedAt !== undefined)
      throw damaged(name, `cannot be read at byte ${damagedAt}, but goes on after it`)
  }
}

function fileName(number: number, extension: string): string {
  return `${String(number).padStart(6, '0')}.${extension}`
}

async function readEnding(path: string, size: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const ending = Buffer.alloc(TABLE_MAGIC.length)
    await file.read(ending, 0, ending.length, Math.max(0, size - ending.length))
    return ending
  } finally {
    await file.close()
  }
}

/** Applies the edits one after the other; undefined where they cannot be understood. */
function readVersion(edits: readonly Buffer[]): Version | undefined {
  const version: Version = { tables: new Map(), logNumber: 0 }
  if (edits.length === 0) return undefined
  for (const edit of edits) {
    const deleted: number[] = []
    const added: [number: number, size: number][] = []
    let offset = 0
    const varint = () => {
      let value = 0
      for (let scale = 1; ; scale *= 128) {
        const byte = edit[offset++]
        if (byte === undefined) throw new RangeError('the edit ends within a number')
        value += (byte & 127) * scale
        if (byte < 128) return value
      }
    }
    const skipBytes = () => {
      const length = varint()
      offset += length
    }
    try {
      while (offset < edit.length) {
        switch (varint()) {
          case 1: // The name of the comparator.
            skipBytes()
            break
          case 2:
            version.logNumber = varint()
            break
          case 3: // The next file number.
          case 4: // The last sequence number.
          case 9: // The log before, which LevelDB has not used since 2011.
            varint()
            break
          case 5: // Where the next compaction of a level begins.
            varint()
            skipBytes()
            break
          case 6:
            varint()
            deleted.push(varint())
            break
          case 7:
            varint()
            added.push([varint(), varint()])
            skipBytes()
            skipBytes()
            break
          default:
            return undefined
        }
      }
    } catch {
      return undefined
    }
    for (const number of deleted) version.tables.delete(number)
    for (const [number, size] of added) version.tables.set(number, size)
  }
  return version
}
