/** Named counts that only rise, for metrics; names as in Prometheus, without the `kvring_` prefix. */
export class Counters {
  private readonly counts = new Map<string, number>()

  add(name: string, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by)
  }

  get(name: string): number {
    return this.counts.get(name) ?? 0
  }

  entries(): IterableIterator<[string, number]> {
    return this.counts.entries()
  }
}
