import { replayCommand } from './shrink.ts'
import { DAMAGE_KINDS, FAULT_KINDS, type Swarm } from './swarm.ts'
import type { SeedReport } from './worker.ts'

/** With fewer seeds than this, some of what follows may not come up. */
const ENOUGH_SEEDS = 300

/** What so many seeds must have met: a simulation in which nothing happens finds nothing. */
const REQUIRED_MARKS = [
  'hints_sent_total',
  'hints_delivered_total',
  'hints_refused_total',
  'hint_holder_reads_total',
  'read_repairs_total',
  'restamps_total',
  'speculative_reads_total',
  'sloppy_writes_total',
  'anti_entropy_slots_differing_total',
  'anti_entropy_keys_repaired_total',
  'scrub_passes_total',
  'corrupt_records_total',
  'scrub_records_damaged_total',
  'scrub_slots_rebuilt_total',
  'hints_expired_total',
  'tombstones_collected_total',
  'write ok',
  'write unknown outcome_unknown',
  'write definite conflict',
  'read ok',
  'read siblings',
  'read sloppy',
  'vote.renewed',
  'policy changed',
  'values stable',
  'values stale',
  'values never read',
  'removal decided',
  'fault wipe',
  'fault restore',
  'fault renew',
  'fault copy',
  ...[...FAULT_KINDS, ...DAMAGE_KINDS].map((kind) => `fault ${kind}`),
]

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

  /** What should have come up in so many seeds and did not. */
  unmet(): string[] {
    if (this.seeds < ENOUGH_SEEDS) return []
    return REQUIRED_MARKS.filter((mark) => !this.marks.has(mark))
  }

  lines(): string[] {
    const hours = (this.virtualMs / 3_600_000).toFixed(2)
    const total = `${this.seeds} seeds, ${hours} virtual hours, ${this.events} events, ${this.failed.length} failed`
    const names = [...this.marks.keys()].sort((a, b) => (a < b ? -1 : 1))
    return [total, ...names.map((name) => `  ${name.padEnd(36)} ${this.marks.get(name)}`)]
  }
}

/** What went wrong with one seed, and how to see it again. */
export function failureLines(report: SeedReport, swarm: Partial<Swarm> = {}): string[] {
  const shown = report.violations
    .slice(0, 5)
    .map(({ checker, key, message }) => `  ${checker} ${key}: ${message}`)
  const more = report.violations.length - shown.length
  return [
    `seed ${report.seed} failed:`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    `  replay: ${replayCommand(report.seed, swarm)}`,
  ]
}
