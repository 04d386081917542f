import { shortAscii } from '../../shared/short-ascii.ts'

/**
 * Whole numbers from 0 to 2^53 - 1 in seven bits a byte, lowest first (LEB128), and texts in UTF-8 with their size
 * before them. For what is stored by the million; messages use ByteWriter.
 */

export function varintSize(value: number): number {
  if (value < 0x80) return 1
  let size = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++
  return size
}

/** Writes `value` at `at` and returns where the next thing goes. */
export function writeVarint(bytes: Buffer, at: number, value: number): number {
  // A shift is only right for 31 bits; larger numbers are divided until they fit.
  while (value > 0x7fff_ffff) {
    bytes[at++] = (value & 0x7f) | 0x80
    value = Math.floor(value / 0x80)
  }
  while (value > 0x7f) {
    bytes[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  bytes[at++] = value
  return at
}

/** The size in UTF-8. */
export function textSize(text: string): number {
  // A loop is faster than a native call for texts as short as these, and most are ASCII.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8')
  return text.length
}

/** Writes UTF-8 with its size before it, and returns where the next thing goes. */
export function writeText(bytes: Buffer, at: number, text: string): number {
  const size = textSize(text)
  at = writeVarint(bytes, at, size)
  if (size !== text.length) return at + bytes.write(text, at, size, 'utf8')
  for (let i = 0; i < size; i++) bytes[at + i] = text.charCodeAt(i)
  return at + size
}

/** Reads what the functions above write; for anything else every method throws a RangeError. */
export class VarintReader {
  private readonly bytes: Buffer
  private at: number
  private readonly end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.at = start
    this.end = end
  }

  get atEnd(): boolean {
    return this.at === this.end
  }

  varint(): number {
    let byte = this.byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let scale = 0x80; byte > 0x7f; scale *= 0x80) {
      byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte === 0) throw new RangeError('a number has more bytes than it needs')
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is over 2^53 - 1')
    }
    return value
  }

  /** Shares memory with what is read. */
  take(size: number): Buffer {
    const from = this.skip(size)
    return this.bytes.subarray(from, from + size)
  }

  text(): string {
    const size = this.varint()
    if (size === 0) return ''
    const from = this.skip(size)
    const short = shortAscii(this.bytes, from, from + size)
    if (short !== undefined) return short
    for (let i = from; i < from + size; i++) {
      if ((this.bytes[i] as number) > 0x7f) return this.wideText(from, from + size)
    }
    return this.bytes.toString('latin1', from, from + size)
  }

  private wideText(from: number, to: number): string {
    const text = this.bytes.toString('utf8', from, to)
    const again = Buffer.from(text, 'utf8')
    if (!again.equals(this.bytes.subarray(from, to))) throw new RangeError('a text is not UTF-8')
    return text
  }

  private byte(): number {
    if (this.at >= this.end) throw new RangeError('the bytes end too early')
    return this.bytes[this.at++] as number
  }

  private skip(size: number): number {
    const from = this.at
    if (size > this.end - from) throw new RangeError('the bytes end too early')
    this.at = from + size
    return from
  }
}
