import { isUtf8 } from 'node:buffer'
import { KvError } from '../../shared/errors.ts'
import { MAX_RECORD_BYTES, malformed, type Parsed, type Parser, shorten } from './parser.ts'

const QUOTE = 0x22
const NEWLINE = 0x0a
const RETURN = 0x0d

export interface DelimitedOptions {
  readonly delimiter: string
  readonly quoting: boolean
  /** Names of the columns, where the source has no header line. */
  readonly columns?: readonly string[] | undefined
  /** Columns that must be among them. */
  readonly needed: readonly string[]
}

/** One record of the text, from `start`; `next` is where the one after it begins. */
interface Cut {
  readonly fields: readonly string[]
  readonly next: number
}

/**
 * CSV as in RFC 4180, with a header line unless columns are given: quoted fields may hold delimiters, newlines and
 * doubled quotes. With `quoting` off (TSV) every character between tabs stands for itself.
 *
 * Text is held as one character a byte until a field is known to be UTF-8. A record with a quote that is never
 * closed, or with text after a closing quote, costs its first line only: parsing goes on with the line after it.
 */
export class DelimitedParser implements Parser {
  private readonly delimiter: number
  private readonly quoting: boolean
  private readonly needed: readonly string[]
  private columns: readonly string[] | undefined
  private rest = ''
  private line = 1

  /** @throws KvError `usage` where a column is needed that is not there, or two have one name. */
  constructor(options: DelimitedOptions) {
    this.delimiter = options.delimiter.charCodeAt(0)
    this.quoting = options.quoting
    this.needed = options.needed
    if (options.columns) this.columns = this.checkColumns(options.columns)
  }

  push(chunk: Buffer): Parsed[] {
    this.rest += chunk.toString('latin1')
    return this.records(false)
  }

  end(): Parsed[] {
    return this.records(true)
  }

  private records(final: boolean): Parsed[] {
    const records: Parsed[] = []
    const text = this.rest
    let at = 0
    while (at < text.length) {
      let cut = this.cut(text, at, final)
      let reason: string | undefined
      if (cut === undefined && !final && text.length - at <= MAX_RECORD_BYTES) break
      if (cut === undefined) reason = 'a quote is not closed'
      else if (typeof cut === 'string') reason = cut
      if (cut === undefined || typeof cut === 'string') {
        const end = text.indexOf('\n', at)
        if (end < 0 && !final && text.length - at <= MAX_RECORD_BYTES) break
        cut = { fields: [], next: end < 0 ? text.length : end + 1 }
      }
      const raw = text.slice(at, cut.next)
      const record =
        reason === undefined
          ? this.record(cut.fields, raw)
          : malformed(this.line, decode(raw).trimEnd(), reason)
      if (record) records.push(record)
      this.line += countNewlines(raw)
      at = cut.next
    }
    this.rest = text.slice(at)
    return records
  }

  private record(fields: readonly string[], raw: string): Parsed | undefined {
    if (fields.length === 1 && fields[0] === '' && !raw.includes('"')) return undefined
    const ascii = !NOT_ASCII.test(raw)
    const text = ascii ? raw.trimEnd() : decode(raw).trimEnd()
    if (!ascii && !isUtf8(Buffer.from(raw, 'latin1')))
      return malformed(this.line, text, 'the record is not UTF-8')
    const decoded = ascii ? fields : fields.map(decode)
    if (this.columns === undefined) {
      this.columns = this.checkColumns(decoded)
      return undefined
    }
    const { columns } = this
    if (decoded.length !== columns.length) {
      return malformed(
        this.line,
        text,
        `it has ${decoded.length} fields where there are ${columns.length} columns`,
      )
    }
    const row: Record<string, string> = {}
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = decoded[i] as string
    return { kind: 'row', line: this.line, text: shorten(text), fields: row, json: () => JSON.stringify(row) }
  }

  private checkColumns(columns: readonly string[]): readonly string[] {
    const twice = columns.find((name, index) => columns.indexOf(name) !== index)
    if (twice !== undefined) {
      throw new KvError('usage', `two columns have the name "${twice}"`, 'name them all with --columns')
    }
    const missing = this.needed.find((name) => !columns.includes(name))
    if (missing === undefined) return columns
    const shown = shorten(columns.join(', '))
    throw new KvError(
      'usage',
      `there is no column "${missing}"; there are: ${shown}`,
      'see --key, --value and --columns',
    )
  }

  /** @returns undefined where the text ends before the record does, or what is wrong with it. */
  private cut(text: string, start: number, final: boolean): Cut | string | undefined {
    const fields: string[] = []
    let at = start
    for (;;) {
      let field: string
      if (this.quoting && text.charCodeAt(at) === QUOTE) {
        const end = closingQuote(text, at + 1)
        if (end < 0) return undefined
        field = text.slice(at + 1, end).replaceAll('""', '"')
        at = end + 1
        // The character after the quote may be its double, so it must be seen.
        if (at >= text.length && !final) return undefined
        if (text.charCodeAt(at) === RETURN) {
          if (at + 1 >= text.length && !final) return undefined
          if (at + 1 >= text.length || text.charCodeAt(at + 1) === NEWLINE) at++
        }
      } else {
        const from = at
        let code = text.charCodeAt(at)
        while (at < text.length && code !== this.delimiter && code !== NEWLINE) code = text.charCodeAt(++at)
        if (at >= text.length && !final) return undefined
        const carriage =
          (code === NEWLINE || at >= text.length) && at > from && text.charCodeAt(at - 1) === RETURN
        field = text.slice(from, carriage ? at - 1 : at)
      }
      fields.push(field)
      if (at >= text.length) return { fields, next: at }
      const code = text.charCodeAt(at)
      at++
      if (code === NEWLINE) return { fields, next: at }
      if (code !== this.delimiter) return 'text follows a closing quote'
    }
  }
}

const NOT_ASCII = /[\x80-\xff]/

function decode(field: string): string {
  return NOT_ASCII.test(field) ? Buffer.from(field, 'latin1').toString('utf8') : field
}

function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 2)) {
    if (text.charCodeAt(at + 1) !== QUOTE) return at
  }
  return -1
}

function countNewlines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
