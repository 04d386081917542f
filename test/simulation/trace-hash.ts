import { crc32 } from 'node:zlib'

/** A running 64-bit hash over all that happens in a simulation: two runs are the same if it is. */
export class TraceHash {
  private low = 0x811c9dc5
  private high = 0x9747b28c
  private readonly names = new Map<string, number>()

  number(value: number): void {
    // Virtual times pass 2^32 microseconds after 71 minutes: both halves count.
    this.mix(value >>> 0)
    this.mix(Math.floor(value / 0x1_0000_0000) >>> 0)
  }

  text(value: string): void {
    this.mix(crc32(value))
    this.mix(value.length)
  }

  /** As `text`, for one of a few that come again and again: their checksums are kept. */
  name(value: string): void {
    let checksum = this.names.get(value)
    if (checksum === undefined) {
      checksum = crc32(value)
      this.names.set(value, checksum)
    }
    this.mix(checksum)
    this.mix(value.length)
  }

  bytes(value: Uint8Array): void {
    this.mix(crc32(value))
    this.mix(value.length)
  }

  digest(): string {
    return hex(this.high) + hex(this.low)
  }

  private mix(word: number): void {
    this.low = Math.imul(this.low ^ word, 0x01000193)
    this.low = (this.low ^ (this.low >>> 15)) >>> 0
    this.high = Math.imul(this.high ^ ((word << 7) | (word >>> 25)) ^ this.low, 0x85ebca6b)
    this.high = (this.high ^ (this.high >>> 13)) >>> 0
  }
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
