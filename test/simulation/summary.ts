import type { SeedReport } from './worker.ts'

/** What many seeds have shown together. */
export class Summary {
  seeds = 0
  readonly failed: SeedReport[] = []
  private virtualMs = 0
  private events = 0
  private readonly marks = new Map<string, number>()

  add(report: SeedReport): void {
    this.seeds++
    this.virtualMs += report.virtualMs
    this.events += report.events
    if (report.violations.length > 0) this.failed.push(report)
    for (const [mark, times] of report.marks) this.marks.set(mark, (this.marks.get(mark) ?? 0) + times)
  }

  /** How often the event, the counter or the fault came. */
  mark(name: string): number {
    return this.marks.get(name) ?? 0
  }

  lines(): string[] {
    const hours = (this.virtualMs / 3_600_000).toFixed(2)
    const total = `${this.seeds} seeds, ${hours} virtual hours, ${this.events} events, ${this.failed.length} failed`
    const names = [...this.marks.keys()].sort((a, b) => (a < b ? -1 : 1))
    return [total, ...names.map((name) => `  ${name.padEnd(36)} ${this.marks.get(name)}`)]
  }
}

/** What went wrong with one seed, and how to see it again. */
export function failureLines(report: SeedReport): string[] {
  const shown = report.violations
    .slice(0, 5)
    .map(({ checker, key, message }) => `  ${checker} ${key}: ${message}`)
  const more = report.violations.length - shown.length
  return [
    `seed ${report.seed} failed:`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    `  replay: npm run sim -- --seed ${report.seed} --trace`,
  ]
}
