/** A hybrid logical clock reading (Kulkarni et al., "Logical Physical Clocks", 2014). */
export interface Stamp {
  /** Milliseconds since 1970: the highest wall clock seen. */
  readonly wallMs: number
  /** Orders events of the same millisecond, from 0 to 2^32 - 1. */
  readonly logical: number
}

/** The wall time of a stamp for people, ISO 8601; milliseconds where no calendar has it. */
export function stampTime(wallMs: number): string {
  const time = new Date(wallMs)
  return Number.isNaN(time.getTime()) ? `${wallMs} ms` : time.toISOString()
}

export const NO_STAMP: Stamp = { wallMs: 0, logical: 0 }

export function compareStamps(a: Stamp, b: Stamp): number {
  return a.wallMs !== b.wallMs ? a.wallMs - b.wallMs : a.logical - b.logical
}
