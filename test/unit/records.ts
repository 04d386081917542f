import type { KeyRecord } from '../../server/causality/record.ts'
import { encodeRecord } from '../../server/causality/record-codec.ts'
import type { Key } from '../../shared/key.ts'

/** A record of one value, named after its dot. */
export function recordOf(actor: string, counter: number, wallMs = counter): KeyRecord {
  const sibling = {
    dot: { actor, counter },
    stamp: { wallMs, logical: 0 },
    value: Buffer.from(`${actor}${counter}`),
    expiresAtMs: 0,
    request: '',
    attempt: 0,
  }
  return { past: new Map(), siblings: [sibling], retired: [] }
}

export function encodedOf(key: Key, actor: string, counter: number, wallMs = counter): Buffer {
  return encodeRecord(key, recordOf(actor, counter, wallMs))
}
