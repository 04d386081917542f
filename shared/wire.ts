import { KvError } from './errors.ts'
import { shortAscii } from './short-ascii.ts'

/** Up to so many characters, fewer than 256, a text is written one by one. */
const SHORT_TEXT = 64

/** Appends numbers, bytes and strings to a buffer that grows; integers are big-endian. */
export class ByteWriter {
  private buffer: Buffer
  private length = 0

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafe(capacity)
  }

  private room(bytes: number): number {
    const at = this.length
    this.length = at + bytes
    if (this.length > this.buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.length, this.buffer.length * 2))
      this.buffer.copy(larger, 0, 0, at)
      this.buffer = larger
    }
    return at
  }

  u8(value: number): this {
    const at = this.room(1)
    this.buffer[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.room(2)
    this.buffer.writeUInt16BE(value, at)
    return this
  }

  u32(value: number): this {
    const at = this.room(4)
    this.buffer.writeUInt32BE(value, at)
    return this
  }

  /** A whole number from 0 to 2^53 - 1, in 8 bytes. */
  u53(value: number): this {
    const at = this.room(8)
    this.buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at)
    this.buffer.writeUInt32BE(value >>> 0, at + 4)
    return this
  }

  f64(value: number): this {
    const at = this.room(8)
    this.buffer.writeDoubleBE(value, at)
    return this
  }

  flag(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  /** Bytes with a 32-bit length before them. */
  bytes(value: Uint8Array): this {
    const at = this.room(4 + value.length)
    this.buffer.writeUInt32BE(value.length, at)
    this.buffer.set(value, at + 4)
    return this
  }

  /** Bytes as they are, with no length. */
  raw(value: Uint8Array): this {
    const at = this.room(value.length)
    this.buffer.set(value, at)
    return this
  }

  /** UTF-8 with a 16-bit length in bytes before it. */
  text(value: string): this {
    if (value.length <= SHORT_TEXT && this.ascii(value)) return this
    const size = Buffer.byteLength(value, 'utf8')
    if (size > 0xffff) throw new KvError('too_large', `a text of ${size} bytes does not fit a message`)
    const at = this.room(2 + size)
    this.buffer.writeUInt16BE(size, at)
    this.buffer.write(value, at + 2, size, 'utf8')
    return this
  }

  /** Writes a text of ASCII, most of which are names: natively each call costs more than all of their characters. */
  private ascii(value: string): boolean {
    const size = value.length
    const at = this.room(2 + size)
    const { buffer } = this
    for (let i = 0; i < size; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) {
        this.length = at
        return false
      }
      buffer[at + 2 + i] = code
    }
    buffer[at] = 0
    buffer[at + 1] = size
    return true
  }

  /** A byte string (one character a byte, see Key) with a 16-bit length before it. */
  byteString(value: string): this {
    const at = this.room(2 + value.length)
    this.buffer.writeUInt16BE(value.length, at)
    this.buffer.write(value, at + 2, value.length, 'latin1')
    return this
  }

  /** What has been written; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.buffer.subarray(0, this.length)
  }
}

/** Reads what a ByteWriter wrote. Every method throws a RangeError where the bytes end too early. */
export class ByteReader {
  readonly buffer: Buffer
  private at: number
  private readonly end: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.buffer = buffer
    this.at = start
    this.end = end
  }

  private take(bytes: number): number {
    const at = this.at
    if (bytes > this.end - at) throw new RangeError(`${bytes} bytes wanted, ${this.end - at} left`)
    this.at = at + bytes
    return at
  }

  get remaining(): number {
    return this.end - this.at
  }

  u8(): number {
    const at = this.take(1)
    return this.buffer[at] as number
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  u53(): number {
    const at = this.take(8)
    const value = this.buffer.readUInt32BE(at) * 0x1_0000_0000 + this.buffer.readUInt32BE(at + 4)
    if (!Number.isSafeInteger(value)) throw new RangeError('a number is over 2^53 - 1')
    return value
  }

  f64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  flag(): boolean {
    const value = this.u8()
    if (value > 1) throw new RangeError(`a flag is ${value}`)
    return value === 1
  }

  /** Shares memory with the message; copy what is kept. */
  bytes(): Buffer {
    const size = this.u32()
    const at = this.take(size)
    return this.buffer.subarray(at, at + size)
  }

  text(): string {
    const size = this.u16()
    const at = this.take(size)
    return shortAscii(this.buffer, at, at + size) ?? this.buffer.toString('utf8', at, at + size)
  }

  byteString(): string {
    const size = this.u16()
    const at = this.take(size)
    return this.buffer.toString('latin1', at, at + size)
  }

  /** @throws RangeError when bytes are left over. */
  done(): void {
    if (this.at !== this.end) throw new RangeError(`${this.end - this.at} bytes too many`)
  }
}
