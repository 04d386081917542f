import type { DeleteResult, ReadResult, WriteResult } from '../../shared/api.ts'
import { encodeBytes, encodeKey } from '../../shared/encoding.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import { encodeContextToken } from '../causality/context-token.ts'
import { stampTime } from '../causality/stamp.ts'
import { writerOf } from '../causality/version.ts'
import type { GetOutcome, PutOutcome } from '../coordinator/outcome.ts'

/** Outcomes of the coordinator in the words of the API. */

export function writeResult(key: Key, outcome: PutOutcome): WriteResult {
  const { key: text, keyEncoding } = encodeKey(key)
  const { version, acks, w, sloppy, coordinator } = outcome
  if (keyEncoding !== undefined) return { key: text, keyEncoding, version, acks, w, sloppy, coordinator }
  return { key: text, version, acks, w, sloppy, coordinator }
}

export function deleteResult(key: Key, outcome: PutOutcome): DeleteResult {
  return { ...writeResult(key, outcome), existed: outcome.existed }
}

/** @throws KvError `not_found` where there is no value. */
export function readResult(key: Key, outcome: GetOutcome, secret: Buffer, siblings: boolean): ReadResult {
  const [winner] = outcome.values
  if (winner === undefined) throw notFound(key)
  const { text: value, encoding } = encodeBytes(winner.value)
  const { version } = winner
  const context = encodeContextToken(key, outcome.context, secret)
  const { replies, r, sloppy } = outcome
  const result: ReadResult = { ...encodeKey(key), value, encoding, version, context, replies, r, sloppy }
  if (siblings) {
    result.siblings = outcome.values.map((sibling) => {
      const { text, encoding } = encodeBytes(sibling.value)
      const { version, stampMs, expiresAtMs } = sibling
      const written = { node: writerOf(version), time: stampTime(stampMs) }
      const left = expiresAtMs === 0 ? {} : { ttlMs: expiresAtMs - outcome.wallMs }
      return { value: text, encoding, version, ...written, ...left }
    })
  }
  return result
}

export function notFound(key: Key): KvError {
  return new KvError('not_found', `there is no value for ${keyToText(key)}`, 'list what is there: kv scan')
}
