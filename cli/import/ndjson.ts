import { isUtf8 } from 'node:buffer'
import { jsonRecord } from './json-record.ts'
import { type Line, LineSplitter } from './lines.ts'
import { malformed, type Parsed, type Parser } from './parser.ts'

/** One JSON value a line; blank lines are passed over. */
export class NdjsonParser implements Parser {
  private readonly lines = new LineSplitter()

  push(chunk: Buffer): Parsed[] {
    return parseLines(this.lines.push(chunk))
  }

  end(): Parsed[] {
    return parseLines(this.lines.end())
  }
}

function parseLines(lines: readonly Line[]): Parsed[] {
  const records: Parsed[] = []
  for (const { number, bytes, tooLong } of lines) {
    const text = bytes.toString('utf8').trim()
    if (tooLong) records.push(malformed(number, text, 'the line has over 8 MiB'))
    else if (!isUtf8(bytes)) records.push(malformed(number, text, 'the line is not UTF-8'))
    else if (text !== '') records.push(jsonRecord(number, text))
  }
  return records
}
