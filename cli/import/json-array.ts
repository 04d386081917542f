import { isUtf8 } from 'node:buffer'
import { KvError } from '../../shared/errors.ts'
import { jsonRecord } from './json-record.ts'
import { MAX_RECORD_BYTES, malformed, type Parsed, type Parser } from './parser.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const NEWLINE = 0x0a

/**
 * The elements of one JSON array, cut out as its bytes come by: only the element under way is held.
 * It follows strings and the depth of brackets; whether an element is JSON is for JSON.parse to say.
 */
export class JsonArrayParser implements Parser {
  private place: 'before' | 'between' | 'element' | 'after' | 'beyond' = 'before'
  private depth = 0
  private inString = false
  private escaped = false
  private line = 1
  private elementLine = 1
  private held: Buffer[] = []
  private heldBytes = 0

  push(chunk: Buffer): Parsed[] {
    const records: Parsed[] = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (byte === NEWLINE) this.line++
      if (this.place === 'element') {
        if (!this.endsElement(byte)) continue
        this.hold(chunk.subarray(start, at))
        records.push(this.element())
        this.place = byte === COMMA ? 'between' : 'after'
      } else if (!isBlank(byte) && this.opens(byte, records)) start = at
    }
    if (this.place === 'element') this.hold(chunk.subarray(start))
    return records
  }

  end(): Parsed[] {
    if (this.place === 'before') throw notAnArray()
    if (this.place === 'after' || this.place === 'beyond') return []
    const text = Buffer.concat(this.held).toString('utf8')
    return [
      malformed(this.place === 'element' ? this.elementLine : this.line, text, 'the array is not closed'),
    ]
  }

  /** Takes a byte between elements. @returns whether an element begins with it. */
  private opens(byte: number, records: Parsed[]): boolean {
    const char = String.fromCharCode(byte)
    if (this.place === 'before') {
      if (char !== '[') throw notAnArray()
      this.place = 'between'
    } else if (this.place === 'after') {
      records.push(malformed(this.line, char, 'something follows the end of the array'))
      this.place = 'beyond'
    } else if (this.place === 'beyond') return false
    else if (char === ']') this.place = 'after'
    else if (char === ',') records.push(malformed(this.line, ',', 'an element is missing before a comma'))
    else {
      this.place = 'element'
      this.elementLine = this.line
      this.depth = 0
      this.inString = this.escaped = false
      this.endsElement(byte)
      return true
    }
    return false
  }

  /** Follows the element by one byte. @returns whether that byte is the comma or bracket after it. */
  private endsElement(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false
      else if (byte === BACKSLASH) this.escaped = true
      else if (byte === QUOTE) this.inString = false
      return false
    }
    switch (byte) {
      case QUOTE:
        this.inString = true
        return false
      case 0x5b:
      case 0x7b:
        this.depth++
        return false
      case 0x5d:
      case 0x7d:
        return this.depth-- === 0
      default:
        return byte === COMMA && this.depth === 0
    }
  }

  private hold(bytes: Buffer): void {
    this.heldBytes += bytes.length
    if (this.heldBytes <= MAX_RECORD_BYTES) this.held.push(bytes)
  }

  private element(): Parsed {
    const bytes = this.held.length === 1 ? (this.held[0] as Buffer) : Buffer.concat(this.held)
    const tooLong = this.heldBytes > MAX_RECORD_BYTES
    this.held = []
    this.heldBytes = 0
    const text = bytes.toString('utf8').trim()
    if (tooLong) return malformed(this.elementLine, text, 'the element has over 8 MiB')
    if (!isUtf8(bytes)) return malformed(this.elementLine, text, 'the element is not UTF-8')
    return jsonRecord(this.elementLine, text)
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === NEWLINE || byte === 0x0d || byte === 0x09
}

function notAnArray(): KvError {
  return new KvError('usage', 'the source is not a JSON array', 'one object a line is --format ndjson')
}
