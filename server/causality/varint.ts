/** Whole numbers from 0 to 2^53 - 1, seven bits a byte, lowest first (LEB128). */

export function varintSize(value: number): number {
  if (value < 0x80) return 1
  let size = 1
  while (value >= 0x80) {
    value = Math.floor(value / 0x80)
    size++
  }
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
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text, 'utf8')
  return text.length
}

/** Writes UTF-8 with its size before it. A loop is faster than a native call for such short texts. */
export function writeText(bytes: Buffer, at: number, text: string): number {
  const size = textSize(text)
  at = writeVarint(bytes, at, size)
  if (size === text.length) {
    for (let i = 0; i < size; i++) bytes[at + i] = text.charCodeAt(i)
    return at + size
  }
  return at + bytes.write(text, at, size, 'utf8')
}

/** Reads varints and texts. Every method throws a RangeError for what the functions above would not write. */
export class VarintReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  varint(): number {
    let at = this.at
    let byte = this.byte(at++)
    let value = byte & 0x7f
    for (let scale = 0x80; byte > 0x7f; scale *= 0x80) {
      byte = this.byte(at++)
      value += (byte & 0x7f) * scale
      if (byte === 0) throw new RangeError('a number has more bytes than it needs')
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError('a number is over 2^53 - 1')
    }
    this.at = at
    return value
  }

  private byte(at: number): number {
    const byte = this.bytes[at]
    if (byte === undefined) throw new RangeError('the bytes end too early')
    return byte
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
    const { bytes } = this
    for (let i = from; i < from + size; i++)
      if ((bytes[i] as number) > 0x7f) return this.wideText(from, from + size)
    return bytes.toString('latin1', from, from + size)
  }

  private wideText(from: number, to: number): string {
    const text = this.bytes.toString('utf8', from, to)
    if (!Buffer.from(text, 'utf8').equals(this.bytes.subarray(from, to)))
      throw new RangeError('a text is not UTF-8')
    return text
  }

  private skip(size: number): number {
    const from = this.at
    if (size > this.bytes.length - from) throw new RangeError('the bytes end too early')
    this.at = from + size
    return from
  }
}
