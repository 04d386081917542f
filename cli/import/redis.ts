import { LineSplitter } from './lines.ts'
import { malformed, type Parsed, type Parser } from './parser.ts'
import { RespCutter } from './resp.ts'

/**
 * Redis commands, as `redis-cli --pipe` takes them: RESP arrays, or lines such as `SET key "a value"`.
 * Only SET (with EX or PX), SETEX and PSETEX are records; every other command is malformed here.
 */
export class RedisParser implements Parser {
  private mode: 'resp' | 'lines' | undefined
  private readonly lines = new LineSplitter()
  private readonly resp = new RespCutter()

  push(chunk: Buffer): Parsed[] {
    if (chunk.length === 0) return []
    this.mode ??= chunk[0] === 0x2a ? 'resp' : 'lines'
    if (this.mode === 'resp') return this.resp.push(chunk).map(toParsed)
    return this.inline(this.lines.push(chunk))
  }

  end(): Parsed[] {
    return this.mode === 'resp' ? this.resp.end().map(toParsed) : this.inline(this.lines.end())
  }

  private inline(lines: ReturnType<LineSplitter['push']>): Parsed[] {
    const records: Parsed[] = []
    for (const { number, bytes, tooLong } of lines) {
      const text = bytes.toString('latin1')
      if (text.trim() === '') continue
      const words = tooLong ? 'the line has over 8 MiB' : splitWords(text)
      records.push(
        toParsed({
          line: number,
          words: typeof words === 'string' ? [] : words,
          problem: typeof words === 'string' ? words : undefined,
          text: bytes.toString('utf8'),
        }),
      )
    }
    return records
  }
}

/** A command as it was read, each word one character a byte. */
export interface RedisCommand {
  readonly line: number
  readonly text: string
  readonly words: readonly string[]
  readonly problem?: string | undefined
}

function toParsed({ line, text, words, problem }: RedisCommand): Parsed {
  if (problem !== undefined) return malformed(line, text, problem)
  const [name = '', key, ...rest] = words
  const command = name.toUpperCase()
  const bad = (reason: string): Parsed => malformed(line, text, reason)
  const pair = (value: string | undefined, ttlMs?: number): Parsed => {
    if (key === undefined || value === undefined) return bad(`${command} lacks its key or value`)
    if (ttlMs !== undefined && !(Number.isSafeInteger(ttlMs) && ttlMs > 0))
      return bad('its time to live is not a whole number')
    return {
      kind: 'pair',
      line,
      text,
      key: Buffer.from(key, 'latin1'),
      value: Buffer.from(value, 'latin1'),
      ttlMs,
    }
  }
  if (command === 'SETEX' || command === 'PSETEX') {
    return rest.length === 2
      ? pair(rest[1], Number(rest[0]) * (command === 'SETEX' ? 1000 : 1))
      : bad(`${command} takes three arguments`)
  }
  if (command !== 'SET') return bad(`${command.slice(0, 32)} is not a command that an import can carry out`)
  const [value, option, number] = rest
  if (rest.length <= 1) return pair(value)
  const unit = { EX: 1000, PX: 1 }[String(option).toUpperCase()]
  return unit !== undefined && rest.length === 3
    ? pair(value, Number(number) * unit)
    : bad('of the options of SET only EX and PX are known')
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }

/** The words of a line by the rules of redis-cli: "…" with escapes, '…' with \' only. @returns words, or what is wrong. */
export function splitWords(line: string): string[] | string {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && /\s/.test(line[at] as string)) at++
    if (at >= line.length) return words
    const quote = line[at] === '"' || line[at] === "'" ? line[at] : undefined
    if (quote === undefined) {
      const end = line.slice(at).search(/\s/)
      words.push(end < 0 ? line.slice(at) : line.slice(at, at + end))
      at = end < 0 ? line.length : at + end
      continue
    }
    let word = ''
    for (at++; line[at] !== quote; at++) {
      if (at >= line.length) return 'a quote is not closed'
      if (line[at] !== '\\') {
        word += line[at]
        continue
      }
      const hex = quote === '"' ? /^x[0-9a-fA-F]{2}/.exec(line.slice(at + 1, at + 4)) : null
      const next = line[at + 1] ?? ''
      if (hex) word += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16))
      else if (quote === '"') word += ESCAPES[next] ?? next
      else word += next === "'" ? "'" : `\\${next}`
      at += hex ? 3 : 1
    }
    at++
    if (at < line.length && !/\s/.test(line[at] as string)) return 'text follows a closing quote'
    words.push(word)
  }
}
