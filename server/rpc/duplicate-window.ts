/** Requests of a session that may be remembered as seen; an id further back than this is taken as seen. */
export const WINDOW = 16_384

/**
 * Remembers which request ids of one peer's session have arrived, so that a request is executed at most once
 * however often the network delivers it. A sliding bitmap below the highest id, as in IPsec's anti-replay
 * window (RFC 4303, section 3.4.3).
 */
export class DuplicateWindow {
  readonly session: number
  private highest = -1
  private readonly bits = new Uint32Array(WINDOW / 32)

  constructor(session: number) {
    this.session = session
  }

  /** @returns true the first time for an id inside the window. */
  admit(id: number): boolean {
    if (id > this.highest) {
      const skipped = Math.min(id - this.highest - 1, WINDOW)
      for (let step = 1; step <= skipped; step++) this.clear(this.highest + step)
      this.highest = id
      this.set(id)
      return true
    }
    if (id <= this.highest - WINDOW || this.has(id)) return false
    this.set(id)
    return true
  }

  private has(id: number): boolean {
    return ((this.bits[(id % WINDOW) >>> 5] as number) & (1 << (id & 31))) !== 0
  }

  private set(id: number): void {
    const word = (id % WINDOW) >>> 5
    this.bits[word] = (this.bits[word] as number) | (1 << (id & 31))
  }

  private clear(id: number): void {
    const word = (id % WINDOW) >>> 5
    this.bits[word] = (this.bits[word] as number) & ~(1 << (id & 31))
  }
}
