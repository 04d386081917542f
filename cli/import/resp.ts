import { MAX_RECORD_BYTES } from './parser.ts'
import type { RedisCommand } from './redis.ts'

const NEWLINE = 0x0a
/** A SET with all its options has fewer words. */
const MAX_WORDS = 1024

/** Cuts the Redis protocol's arrays of bulk strings out of a stream of bytes. */
export class RespCutter {
  private rest: Buffer = Buffer.alloc(0)
  private line = 1

  push(chunk: Buffer): RedisCommand[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    const commands: RedisCommand[] = []
    let at = 0
    while (at < this.rest.length) {
      const cut = cutCommand(this.rest, at)
      if (cut === undefined && this.rest.length - at <= MAX_RECORD_BYTES) break
      const newline = this.rest.indexOf(NEWLINE, at)
      const bad = cut === undefined || typeof cut === 'string'
      const next = bad ? (newline < 0 ? this.rest.length : newline + 1) : cut.next
      const bytes = this.rest.subarray(at, next)
      commands.push({
        line: this.line,
        text: bytes.toString('utf8', 0, 2000),
        words: bad ? [] : cut.words,
        problem: cut === undefined ? 'the command has over 8 MiB' : typeof cut === 'string' ? cut : undefined,
      })
      this.line += countNewlines(bytes)
      at = next
    }
    this.rest = this.rest.subarray(at)
    return commands
  }

  end(): RedisCommand[] {
    if (this.rest.length === 0) return []
    return [
      {
        line: this.line,
        text: this.rest.toString('utf8', 0, 2000),
        words: [],
        problem: 'the last command is cut off',
      },
    ]
  }
}

/** @returns undefined where bytes are lacking, or what is wrong. */
function cutCommand(bytes: Buffer, start: number): { words: string[]; next: number } | string | undefined {
  const head = header(bytes, start, 0x2a)
  if (head === undefined || typeof head === 'string') return head
  if (head.number > MAX_WORDS) return `a command of ${head.number} words`
  const words: string[] = []
  let at = head.next
  for (let i = 0; i < head.number; i++) {
    const size = header(bytes, at, 0x24)
    if (size === undefined || typeof size === 'string') return size
    if (size.number > MAX_RECORD_BYTES) return `a string of ${size.number} bytes`
    const end = size.next + size.number
    if (end + 2 > bytes.length) return undefined
    if (bytes[end] !== 0x0d || bytes[end + 1] !== NEWLINE) return 'a string is not as long as it says'
    words.push(bytes.toString('latin1', size.next, end))
    at = end + 2
  }
  return { words, next: at }
}

function header(
  bytes: Buffer,
  at: number,
  mark: number,
): { number: number; next: number } | string | undefined {
  if (at >= bytes.length) return undefined
  const end = bytes.indexOf(NEWLINE, at)
  if (end < 0) return bytes.length - at > 32 ? 'it is not the Redis protocol' : undefined
  const match = /^.(\d{1,10})\r$/.exec(bytes.toString('latin1', at, end))
  if (bytes[at] !== mark || match === null) return 'it is not the Redis protocol'
  return { number: Number(match[1]), next: end + 1 }
}

function countNewlines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}
