export type TraceLevel = 'debug' | 'info' | 'warn' | 'error'

export type TraceFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

/** What a node tells of itself: structured logs in production, the hashed event trace in simulation. */
export interface Trace {
  /** Check before building costly fields. */
  enabled(level: TraceLevel): boolean
  /** `event` is a fixed name such as `link.lost`; everything that varies goes into the fields. */
  event(level: TraceLevel, event: string, fields?: TraceFields): void
}
