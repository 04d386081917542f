/** One change to one source file. */
export interface Edit {
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** A mistake that systems of this kind have made, as a change to the source. */
export interface PlantedBug {
  readonly name: string
  readonly edits: readonly Edit[]
  /** The checkers of which one must complain. */
  readonly caughtBy: readonly string[]
  /** Seeds that have shown it before: they are tried first. A change to the sources may make others of them. */
  readonly seeds: readonly number[]
}
