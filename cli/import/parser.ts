/** What a parser made of one record of the source. */
export type Parsed = Row | Pair | Malformed

interface Place {
  /** Line of the source on which the record begins, from 1. */
  readonly line: number
  /** The record as it stands in the source, cut off where it is very long. */
  readonly text: string
}

/** A record with named fields. */
export interface Row extends Place {
  readonly kind: 'row'
  readonly fields: Readonly<Record<string, unknown>>
  /** The whole record as JSON. */
  readonly json: () => string
}

/** A record that is key and value by itself. */
export interface Pair extends Place {
  readonly kind: 'pair'
  readonly key: Buffer
  readonly value: Buffer
  readonly ttlMs?: number | undefined
}

/** What should have been a record. */
export interface Malformed extends Place {
  readonly kind: 'malformed'
  readonly reason: string
}

/**
 * Cuts a source into records. Bytes go in as they are read, records come out as they are complete; no more than
 * MAX_RECORD_BYTES are held back. A malformed record is given as such, and parsing goes on after it.
 * @throws KvError `usage` where the source as a whole is not of the format.
 */
export interface Parser {
  push(chunk: Buffer): Parsed[]
  end(): Parsed[]
}

/** Far more than a value may have, escapes included: what is longer is not a record but a missing quote. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024

const SHOWN_CHARACTERS = 2000

export function malformed(line: number, text: string, reason: string): Malformed {
  return { kind: 'malformed', line, text: shorten(text), reason }
}

export function shorten(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}
