import { MAX_RECORD_BYTES } from './parser.ts'

/** One line without its end; `tooLong` ones hold only their beginning. */
export interface Line {
  readonly number: number
  readonly bytes: Buffer
  readonly tooLong: boolean
}

const NEWLINE = 0x0a
const RETURN = 0x0d

/** Cuts bytes into lines, which end with LF or CRLF. */
export class LineSplitter {
  private held: Buffer[] = []
  private heldBytes = 0
  private number = 1

  push(chunk: Buffer): Line[] {
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      lines.push(this.line(chunk.subarray(start, end)))
      start = end + 1
    }
    this.hold(chunk.subarray(start))
    return lines
  }

  /** The last line, where no newline follows it. */
  end(): Line[] {
    return this.heldBytes === 0 ? [] : [this.line(Buffer.alloc(0))]
  }

  private hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.heldBytes += bytes.length
    if (this.heldBytes <= MAX_RECORD_BYTES) this.held.push(bytes)
  }

  private line(last: Buffer): Line {
    const tooLong = this.heldBytes + last.length > MAX_RECORD_BYTES
    let bytes =
      this.held.length === 0 ? last : Buffer.concat(tooLong ? this.held.slice(0, 1) : [...this.held, last])
    if (bytes[bytes.length - 1] === RETURN) bytes = bytes.subarray(0, -1)
    this.held = []
    this.heldBytes = 0
    return { number: this.number++, bytes, tooLong }
  }
}
