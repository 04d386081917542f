import { createHash } from 'node:crypto'
import { open, stat } from 'node:fs/promises'
import { KvError } from '../../shared/errors.ts'
import type { SourceMark } from './checkpoint.ts'

/** Bytes at the beginning by which a source is known again. */
const HEAD_BYTES = 64 * 1024
const CHUNK_BYTES = 256 * 1024

/** What is imported: a file, or standard input. */
export interface Source {
  /** Undefined where it is a stream. */
  readonly size: number | undefined
  readonly mark: SourceMark
  /** To be read once, from the beginning, without a byte order mark. */
  readonly chunks: AsyncIterable<Buffer>
}

/** Opens a file, or with `-` standard input. @throws KvError `usage` for UTF-16, and errors of the file system. */
export async function openSource(name: string): Promise<Source> {
  if (name === '-') return makeSource(process.stdin as AsyncIterable<Buffer>, undefined)
  const stats = await stat(name)
  if (stats.isDirectory())
    throw new KvError('usage', `${name} is a directory`, 'name a file, or - for standard input')
  const file = await open(name, 'r')
  return makeSource(
    file.createReadStream({ highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>,
    stats.isFile() ? stats.size : undefined,
  )
}

async function makeSource(stream: AsyncIterable<Buffer>, size: number | undefined): Promise<Source> {
  const chunks = stream[Symbol.asyncIterator]()
  const held: Buffer[] = []
  let bytes = 0
  while (bytes < HEAD_BYTES) {
    const { value, done } = await chunks.next()
    if (done) break
    held.push(value)
    bytes += value.length
  }
  const begin = Buffer.concat(held)
  const head = createHash('sha256').update(begin.subarray(0, HEAD_BYTES)).digest('hex')
  return { size, mark: { size: size ?? null, head }, chunks: withBeginning(withoutMark(begin), chunks) }
}

async function* withBeginning(begin: Buffer, rest: AsyncIterator<Buffer>): AsyncIterable<Buffer> {
  try {
    yield begin
    for (;;) {
      const { value, done } = await rest.next()
      if (done) return
      yield value
    }
  } finally {
    await rest.return?.()
  }
}

function withoutMark(begin: Buffer): Buffer {
  if (begin[0] === 0xef && begin[1] === 0xbb && begin[2] === 0xbf) return begin.subarray(3)
  if ((begin[0] === 0xff && begin[1] === 0xfe) || (begin[0] === 0xfe && begin[1] === 0xff)) {
    throw new KvError('usage', 'the source is UTF-16', 'convert it: iconv -f UTF-16 -t UTF-8')
  }
  return begin
}
