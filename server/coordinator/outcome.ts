import type { Key } from '../../shared/key.ts'
import type { Context } from '../causality/context.ts'

export interface PutOptions {
  /** Owners, or hints where not strict, that must hold the write durably; the layout's w when absent. */
  readonly w?: number | undefined
  readonly ttlMs?: number | undefined
  /** What the writer had read: those versions are replaced. */
  readonly context?: Context | undefined
  /** Only owners count: no hints. */
  readonly strict?: boolean | undefined
  /** Names the write: sent again under the same name (with a higher `attempt`), it is applied at most once. */
  readonly request?: string | undefined
  /** Which attempt at `request` it is: 0, or absent, for the first, and up to MAX_ATTEMPT. */
  readonly attempt?: number | undefined
  readonly timeoutMs?: number | undefined
}

/** Attempts that a client may make at one request. */
export const MAX_ATTEMPT = 1_000_000

export interface PutOutcome {
  /** The version written, as text. */
  readonly version: string
  readonly acks: number
  readonly w: number
  readonly sloppy: boolean
  /** The node that gave the write its dot. */
  readonly coordinator: string
  /** Whether a value was there before, as far as the coordinator knew. */
  readonly existed: boolean
}

export interface GetOptions {
  /** Owners that must answer; the layout's r when absent. */
  readonly r?: number | undefined
  readonly timeoutMs?: number | undefined
}

export interface LiveValue {
  readonly value: Buffer
  readonly version: string
  /** The wall time of its stamp, milliseconds. */
  readonly stampMs: number
  /** Wall-clock milliseconds; 0 is never. */
  readonly expiresAtMs: number
}

export interface GetOutcome {
  /** Highest (stamp, actor) first; empty means not found. Without tombstones and expired values. */
  readonly values: readonly LiveValue[]
  /** The causal context of all that was read, tombstones included. */
  readonly context: Context
  readonly replies: number
  readonly r: number
  /** The time by which values were found to have expired or not, milliseconds. */
  readonly wallMs: number
  /** True where a fallback's reply was used, or hints for the owners may be out of reach. */
  readonly sloppy: boolean
}

export interface ScanOptions {
  readonly prefix: string
  /** Opaque, from the page before. */
  readonly cursor?: string | undefined
  /** Entries a page at the most, from 1 to 10,000. */
  readonly limit: number
  /** Without values, only keys are read and sent. */
  readonly values: boolean
}

export interface ScanPage {
  readonly entries: readonly { readonly key: Key; readonly value?: Buffer }[]
  /** Absent after the last page. */
  readonly cursor?: string
}

/**
 * What a client of a node can ask for. Every method rejects with a KvError only.
 * A key has been checked for its length already; values are checked here.
 */
export interface Coordinator {
  /** `value` null deletes. */
  put(key: Key, value: Buffer | null, options: PutOptions): Promise<PutOutcome>
  get(key: Key, options: GetOptions): Promise<GetOutcome>
  /** Entries in slot order, and in byte order within a slot. */
  scan(options: ScanOptions): Promise<ScanPage>
}
