/** The exchange was called off. */
export class CalledOff extends Error {
  override readonly name = 'CalledOff'
}

/** Holds work up while it is paused, and ends it where it stopped. */
export class Gate {
  private state: 'open' | 'paused' | 'stopped' = 'open'
  private waiting: (() => void)[] = []

  get paused(): boolean {
    return this.state === 'paused'
  }

  pause(): void {
    if (this.state === 'open') this.state = 'paused'
  }

  resume(): void {
    if (this.state === 'paused') this.state = 'open'
    this.release()
  }

  /** For good. */
  stop(): void {
    this.state = 'stopped'
    this.release()
  }

  /** Resolves when work may go on. @throws CalledOff once it was stopped. */
  async pass(): Promise<void> {
    while (this.state === 'paused') await new Promise<void>((resolve) => this.waiting.push(resolve))
    if (this.state === 'stopped') throw new CalledOff('stopped')
  }

  private release(): void {
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }
}
