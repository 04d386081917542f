import type { Trace, TraceFields, TraceLevel } from '../ports/trace.ts'

const INTERVAL_MS = 60_000
const MAX_SUBJECTS = 256

/**
 * Reports what goes on and on (forged beacons, a foreign ring) once a minute for each event and subject,
 * with the number of times that it has happened since the report before.
 */
export class OccasionalReports {
  private readonly trace: Trace
  private readonly subjects = new Map<string, { reportedMs: number; count: number }>()

  constructor(components: { trace: Trace }) {
    this.trace = components.trace
  }

  report(level: TraceLevel, event: string, subject: string, fields: TraceFields, nowMs: number): void {
    const key = `${event} ${subject}`
    let entry = this.subjects.get(key)
    if (entry === undefined) {
      entry = { reportedMs: Number.NEGATIVE_INFINITY, count: 0 }
      this.remember(key, entry)
    }
    entry.count++
    if (nowMs - entry.reportedMs < INTERVAL_MS) return
    this.trace.event(level, event, { ...fields, count: entry.count })
    entry.reportedMs = nowMs
    entry.count = 0
  }

  private remember(key: string, entry: { reportedMs: number; count: number }): void {
    if (this.subjects.size >= MAX_SUBJECTS) {
      const oldest = this.subjects.keys().next()
      if (!oldest.done) this.subjects.delete(oldest.value)
    }
    this.subjects.set(key, entry)
  }
}
