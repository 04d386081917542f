/** A timer that has been set. */
export interface Timer {
  cancel(): void
}

/** Time, as one node sees it. */
export interface Clock {
  /** Milliseconds since 1970 by this node's wall clock: may jump, step back and drift. */
  wallMs(): number
  /** Milliseconds since some fixed moment: never steps back. */
  monotonicMs(): number
  /** Calls `fn` once, at least `ms` milliseconds from now, never before this call returns. */
  after(ms: number, fn: () => void): Timer
}
