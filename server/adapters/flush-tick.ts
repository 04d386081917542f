interface Flushable {
  flush(): void
}

/** Flushes at the end of the turn of the event loop: what is sent within one turn goes out together. */
export class FlushTick {
  private waiting: Flushable[] = []
  private readonly run = () => {
    const waiting = this.waiting
    this.waiting = []
    for (const one of waiting) one.flush()
  }

  add(one: Flushable): void {
    if (this.waiting.push(one) === 1) setImmediate(this.run)
  }
}
