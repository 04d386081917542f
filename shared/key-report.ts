/** What `kv key` tells of one key: which node holds which versions, and what reads would answer. */

import type { Encoding, NodeState } from './api.ts'

export interface VersionReport {
  version: string
  /** The node that wrote it. */
  node: string
  /** The wall time of its stamp, ISO 8601. */
  time: string
  /** Orders versions of the same millisecond. */
  logical: number
  /** void: another attempt at the same request stands for it, so no reader sees it. */
  state: 'live' | 'deleted' | 'expired' | 'void'
  /** Of the value; 0 for a tombstone. */
  bytes: number
  /** The first 16 hexadecimal digits of the value's SHA-256; "" for a tombstone. */
  digest: string
  /** ISO 8601; absent where it never does. */
  expiresAt?: string
}

/** One copy of a key's record. */
export interface CopyReport {
  /** The first 16 hexadecimal digits of the record's SHA-256: equal copies have equal ones. */
  digest: string
  /** Of the record as it lies on the disk. */
  bytes: number
  /** In dot order; several where writes were concurrent. */
  versions: VersionReport[]
  /** For each writer, up to which number all of its writes of this key are known. */
  past: { actor: string; counter: number }[]
  /** Replaced requests that are remembered, so that a retry of one does not bring its value back. */
  retired: number
}

/** What an owner's copy has otherwise than all copies merged. */
export interface CopyDifference {
  /** Versions that it has not. */
  lacks: string[]
  /** Versions that were replaced elsewhere. */
  outdated: string[]
  /** Versions that it has with another stamp. */
  restamped: string[]
  /** It knows less of what was replaced, or of which requests were. */
  pastDiffers: boolean
}

export interface KeyNodeReport {
  id: string
  role: 'owner' | 'fallback'
  state: NodeState
  /** False where the node was not reached: then nothing is known of what it holds. */
  answered: boolean
  /** Why it did not answer, or what is damaged on its disk; "" where nothing is wrong. */
  problem: string
  /** null for none. */
  copy: CopyReport | null
  /** What it keeps for owners that were out of reach. */
  hints: { for: string; copy: CopyReport }[]
  /** For an owner that answered and differs from all copies merged. */
  difference?: CopyDifference
}

/** The same answer of a read, from whichever of these sets of nodes answer it. */
export interface ReadForecast {
  r: number
  answers: {
    asked: string[][]
    outcome: 'value' | 'siblings' | 'not_found' | 'no_quorum'
    versions: string[]
    sloppy: boolean
  }[]
}

/** `GET /keys/explain` */
export interface KeyReport {
  key: string
  keyEncoding?: Encoding
  slot: number
  n: number
  conflicts: 'lww' | 'siblings'
  /** Whether all owners were reached and hold the same as all copies merged. */
  same: boolean
  /** All copies and hints that were reached, merged; null where nobody holds any. */
  merged: CopyReport | null
  /** The preference list. */
  nodes: KeyNodeReport[]
  /** For r from 1 to n, but not over 3. */
  reads: ReadForecast[]
}

/** `POST /keys/repair` */
export interface KeyRepairResult {
  key: string
  keyEncoding?: Encoding
  slot: number
  /** The versions of the merged record, which every owner holds now but those of `failed`. */
  versions: string[]
  /** Owners that lacked something, and hold the merged record durably now. */
  mended: string[]
  /** Owners that held it already. */
  sound: string[]
  /** Owners that could not be mended, and why. */
  failed: { id: string; why: string }[]
  /** Nodes that were not reached: what they hold is not in the merged record. */
  unseen: string[]
  /** Whether every owner holds the merged record. */
  complete: boolean
}
