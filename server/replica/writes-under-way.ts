/**
 * The writes that this node coordinates, in the order in which they began, until nothing more is sent for them. A
 * number that was `next` at some time is settled when all that had begun by then have ended.
 */
export class WritesUnderWay {
  private readonly writes = new Set<number>()
  private last = 0

  /** @returns what to give to `end`. */
  begin(): number {
    const write = ++this.last
    this.writes.add(write)
    return write
  }

  end(write: number): void {
    this.writes.delete(write)
  }

  /** The number of the write that began last. */
  get latest(): number {
    return this.last
  }

  /** Whether all writes up to this one have ended. */
  settled(write: number): boolean {
    for (const oldest of this.writes) return oldest > write
    return true
  }
}
