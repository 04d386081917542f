import { FRAME_HEADER_BYTES, writeFrameHeader } from './frame.ts'

const BATCH_BYTES = 64 << 10
/** Longer messages are sent from their own memory. */
const COPY_BYTES = 8 << 10
/** Bytes handed to the socket at a time: small enough that a slow peer is seen to make progress. */
const WRITE_BYTES = 256 << 10

export interface OutboxSettings {
  readonly seed: number
  /** Messages over this are refused. */
  readonly maxMessageBytes: number
  /** Bytes that may wait, frame headers included; a single message may always. */
  readonly maxQueuedBytes: number
}

/**
 * What waits to be written to one connection. Small messages are copied, one after the other, into a batch
 * that goes out in one write; while a write is under way the next batches fill up.
 */
export class Outbox {
  private readonly settings: OutboxSettings
  private batch = Buffer.alloc(0)
  /** The part of `batch` from `sealed` to `filled` has not been moved to `chunks`. */
  private sealed = 0
  private filled = 0
  private chunks: Buffer[] = []
  private waiting = 0
  private writing = 0

  constructor(settings: OutboxSettings) {
    this.settings = settings
  }

  /** Bytes that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.waiting + this.writing
  }

  get isWriting(): boolean {
    return this.writing > 0
  }

  /** @returns false, and does nothing, where the message is too long or there is no room. */
  append(message: Uint8Array): boolean {
    const { length } = message
    const { seed, maxMessageBytes, maxQueuedBytes } = this.settings
    const size = FRAME_HEADER_BYTES + length
    const queued = this.waiting + this.writing
    if (length > maxMessageBytes || (queued > 0 && queued + size > maxQueuedBytes)) return false
    const copied = length <= COPY_BYTES
    const room = copied ? size : FRAME_HEADER_BYTES
    if (this.batch.length - this.filled < room) {
      this.seal()
      this.batch = Buffer.allocUnsafeSlow(BATCH_BYTES)
      this.sealed = 0
      this.filled = 0
    }
    writeFrameHeader(this.batch, this.filled, message, seed)
    if (copied) this.batch.set(message, this.filled + FRAME_HEADER_BYTES)
    this.filled += room
    this.waiting += size
    if (!copied) {
      this.seal()
      for (let at = 0; at < length; at += WRITE_BYTES) {
        const part = message.subarray(at, at + WRITE_BYTES)
        this.chunks.push(Buffer.from(part.buffer, part.byteOffset, part.length))
      }
    }
    return true
  }

  /** The chunks of the next write; none where nothing waits or a write is under way. */
  beginWrite(): Buffer[] {
    if (this.writing > 0 || this.waiting === 0) return []
    this.seal()
    let count = 0
    let bytes = 0
    while (count < this.chunks.length && bytes < WRITE_BYTES) bytes += (this.chunks[count++] as Buffer).length
    const next = count === this.chunks.length ? this.chunks : this.chunks.slice(0, count)
    this.chunks = count === this.chunks.length ? [] : this.chunks.slice(count)
    this.waiting -= bytes
    this.writing = bytes
    return next
  }

  endWrite(): void {
    this.writing = 0
  }

  private seal(): void {
    if (this.filled > this.sealed) this.chunks.push(this.batch.subarray(this.sealed, this.filled))
    this.sealed = this.filled
  }
}
