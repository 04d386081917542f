import type { Trace, TraceFields, TraceLevel } from '../../server/ports/trace.ts'

/** Keeps what is told. */
export class RecordingTrace implements Trace {
  readonly told: { level: TraceLevel; event: string; fields: TraceFields }[] = []

  enabled(): boolean {
    return true
  }

  event(level: TraceLevel, event: string, fields: TraceFields = {}): void {
    this.told.push({ level, event, fields })
  }

  /** What was said about each event of the name, newest last. */
  why(event: string): string[] {
    return this.told.filter((one) => one.event === event).map(({ fields }) => String(fields.why))
  }
}
