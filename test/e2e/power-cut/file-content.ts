/** A change of a file's data: bytes that were written, or a new size. */
export type DataChange = { readonly at: number; readonly offset: number } & (
  | { readonly data: Buffer }
  | { readonly data?: undefined }
)

/** Bytes that grow by writes at any offset; holes are zeros. */
export class Bytes {
  private bytes: Buffer
  length: number

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.bytes = Buffer.from(content)
    this.length = content.length
  }

  content(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  apply({ offset, data }: DataChange): void {
    if (data === undefined) this.resize(offset)
    else this.write(offset, data)
  }

  write(offset: number, data: Buffer): void {
    this.resize(Math.max(this.length, offset + data.length))
    data.copy(this.bytes, offset)
  }

  resize(length: number): void {
    if (length > this.bytes.length) {
      const larger = Buffer.alloc(Math.max(length, this.bytes.length * 2, 4096))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    // What lies beyond the end now reads as zeros should the file grow again.
    if (length < this.length) this.bytes.fill(0, length, this.length)
    this.length = length
  }
}

/** The data of a file: what an fsync has covered, and what has changed since. */
export class FileContent {
  private readonly synced: Bytes
  private changes: DataChange[] = []

  constructor(content?: Buffer) {
    this.synced = new Bytes(content)
  }

  change(change: DataChange): void {
    this.changes.push(change)
  }

  /** An fsync that began at `began` has returned. */
  sync(began: number): void {
    const covered = this.changes.findIndex(({ at }) => at > began)
    for (const change of this.changes.splice(0, covered < 0 ? this.changes.length : covered))
      this.synced.apply(change)
  }

  /** The changes that no fsync has covered. */
  unsynced(): readonly DataChange[] {
    return this.changes
  }

  /** A copy of what an fsync has covered. */
  durable(): Bytes {
    return new Bytes(this.synced.content())
  }
}
