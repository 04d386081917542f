import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'

/** Before the records: where the last one ends. */
const HEADER_BYTES = 4096
const RECORD_BYTES = 32
const CREATES = 1
const TRUNCATES = 2

/** Something that was done to a file, in the order of `at`, its place in the journal. Paths are below the root. */
export type JournalRecord = { readonly at: number } & (
  | { readonly type: 'open'; readonly path: string; readonly creates: boolean; readonly truncates: boolean }
  /** `opened` is the place of the record by which the file was opened. */
  | { readonly type: 'write'; readonly opened: number; readonly offset: number; readonly data: Buffer }
  | { readonly type: 'truncate'; readonly opened: number; readonly bytes: number }
  | { readonly type: 'sync-begin'; readonly opened: number }
  /** The fsync that began at `began` has returned: all before it is on the disk. */
  | { readonly type: 'sync-end'; readonly opened: number; readonly began: number }
  | { readonly type: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly type: 'unlink' | 'mkdir' | 'rmdir'; readonly path: string }
)

const TYPES = [
  undefined,
  'open',
  'write',
  'truncate',
  'sync-begin',
  'sync-end',
  'rename',
  'unlink',
  'link',
  'mkdir',
  'rmdir',
] as const

/** What processes with the shim (journal-shim.c) have done to the files below a directory. */
export class Journal {
  readonly file: string
  private readonly descriptor: number

  /** Makes an empty one. */
  constructor(file: string) {
    this.file = file
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeBigUInt64LE(BigInt(HEADER_BYTES))
    writeFileSync(file, header)
    this.descriptor = openSync(file, 'r')
  }

  /** Where the next record will be: all that has been done by now is before it. */
  end(): number {
    const end = Buffer.alloc(8)
    readSync(this.descriptor, end, 0, end.length, 0)
    return Number(end.readBigUInt64LE())
  }

  /** All that there is now. */
  read(): JournalRecord[] {
    const end = this.end()
    const bytes = readFileSync(this.file)
    const records: JournalRecord[] = []
    for (let at = HEADER_BYTES; at < end; at += bytes.readUInt32LE(at)) records.push(parse(bytes, at))
    return records
  }

  close(): void {
    closeSync(this.descriptor)
  }
}

function parse(bytes: Buffer, at: number): JournalRecord {
  const type = TYPES[bytes.readUInt32LE(at + 4)]
  const opened = Number(bytes.readBigUInt64LE(at + 8))
  const value = Number(bytes.readBigUInt64LE(at + 16))
  const pathEnd = at + RECORD_BYTES + bytes.readUInt32LE(at + 24)
  const secondEnd = pathEnd + bytes.readUInt32LE(at + 28)
  const path = bytes.toString('utf8', at + RECORD_BYTES, pathEnd)
  switch (type) {
    case 'open':
      return { at, type, path, creates: (value & CREATES) !== 0, truncates: (value & TRUNCATES) !== 0 }
    case 'write':
      return {
        at,
        type,
        opened,
        offset: value,
        data: bytes.subarray(secondEnd, at + bytes.readUInt32LE(at)),
      }
    case 'truncate':
      return { at, type, opened, bytes: value }
    case 'sync-begin':
      return { at, type, opened }
    case 'sync-end':
      return { at, type, opened, began: value }
    case 'rename':
    case 'link':
      return { at, type, path, to: bytes.toString('utf8', pathEnd, secondEnd) }
    case 'unlink':
    case 'mkdir':
    case 'rmdir':
      return { at, type, path }
    case undefined:
      throw new Error(`the journal is damaged at ${at}`)
  }
}
