import { closeSync, openSync, writeSync } from 'node:fs'

const BUFFER_CHARACTERS = 64 * 1024

/** The file of records that were not written, one JSON object a line; without a file it keeps nothing. */
export class BadRecords {
  private readonly file: number | undefined
  private buffer = ''

  /** Starts the file anew: a resumed import reads, and refuses, the same records again. */
  constructor(name: string | undefined) {
    this.file = name === undefined ? undefined : openSync(name, 'w')
  }

  add(number: number, place: { readonly line: number; readonly text: string }, reason: string): void {
    if (this.file === undefined) return
    this.buffer += `${JSON.stringify({ line: place.line, record: number, reason, text: place.text })}\n`
    if (this.buffer.length > BUFFER_CHARACTERS) this.flush()
  }

  close(): void {
    if (this.file === undefined) return
    this.flush()
    closeSync(this.file)
  }

  private flush(): void {
    if (this.file !== undefined && this.buffer !== '') writeSync(this.file, this.buffer)
    this.buffer = ''
  }
}
