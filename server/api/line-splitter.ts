const NEWLINE = 0x0a

/**
 * Cuts a stream of bytes into lines. One that is longer than the limit is given as null, once, and its bytes are
 * not kept.
 */
export class LineSplitter {
  private readonly maxBytes: number
  private pieces: Buffer[] = []
  private length = 0

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  /** The lines that end in `chunk`, without their newlines. */
  push(chunk: Buffer): (string | null)[] {
    const lines: (string | null)[] = []
    let from = 0
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from)
      if (end < 0) break
      lines.push(this.take(chunk.subarray(from, end)))
      from = end + 1
    }
    if (from < chunk.length) this.keep(chunk.subarray(from))
    return lines
  }

  /** What follows the last newline; undefined where nothing does. */
  end(): string | null | undefined {
    return this.length === 0 ? undefined : this.take(Buffer.alloc(0))
  }

  private keep(piece: Buffer): void {
    this.length += piece.length
    if (this.length > this.maxBytes) this.pieces = []
    else this.pieces.push(piece)
  }

  private take(last: Buffer): string | null {
    if (this.length === 0 && last.length <= this.maxBytes) return last.toString('utf8')
    this.keep(last)
    const line = this.length > this.maxBytes ? null : Buffer.concat(this.pieces).toString('utf8')
    this.pieces = []
    this.length = 0
    return line
  }
}
