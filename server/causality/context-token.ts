import { createHmac, timingSafeEqual } from 'node:crypto'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToBytes } from '../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Actor } from './dot.ts'
import type { VersionVector } from './record.ts'

const FORMAT = 1
const TAG_BYTES = 8
const MAX_TOKEN_CHARS = 65_536

/**
 * The causal context of what a client read, to hand back with its next write. Bound to the key and signed with
 * the cluster's secret: a context made up by a client could claim to have seen writes that are still to come.
 */
export function encodeContextToken(key: Key, vector: VersionVector, secret: Buffer): string {
  const writer = new ByteWriter().u8(FORMAT).u16(vector.size)
  const actors = [...vector.keys()].sort((a, b) => (a < b ? -1 : 1))
  for (const actor of actors) writer.text(actor).u53(vector.get(actor) as number)
  const body = writer.finish()
  return Buffer.concat([body, tagOf(key, body, secret)]).toString('base64url')
}

/** @throws KvError `usage` for a token that is malformed, forged, of another ring or of another key. */
export function decodeContextToken(key: Key, token: string, secret: Buffer): VersionVector {
  if (token.length > MAX_TOKEN_CHARS || !/^[A-Za-z0-9_-]+$/.test(token)) throw refusal('is malformed')
  const bytes = Buffer.from(token, 'base64url')
  const bodyBytes = bytes.length - TAG_BYTES
  if (bodyBytes < 1 || bytes.toString('base64url') !== token) throw refusal('is malformed')
  const body = bytes.subarray(0, bodyBytes)
  if (!timingSafeEqual(bytes.subarray(bodyBytes), tagOf(key, body, secret))) {
    throw refusal('was not made by this ring for this key')
  }
  try {
    return readVector(body)
  } catch (error) {
    if (error instanceof RangeError) throw refusal('has a format that this version does not know')
    throw error
  }
}

function readVector(body: Buffer): VersionVector {
  const reader = new ByteReader(body)
  if (reader.u8() !== FORMAT) throw new RangeError('unknown format')
  const vector = new Map<Actor, number>()
  for (let left = reader.u16(); left > 0; left--) {
    const actor = reader.text()
    vector.set(actor, reader.u53())
  }
  reader.done()
  return vector
}

function tagOf(key: Key, body: Buffer, secret: Buffer): Buffer {
  const hmac = createHmac('sha256', secret).update('kvring causal context\0')
  const sized = new ByteWriter().bytes(keyToBytes(key)).finish()
  return hmac.update(sized).update(body).digest().subarray(0, TAG_BYTES)
}

function refusal(why: string): KvError {
  return new KvError(
    'usage',
    `the causal context ${why}`,
    'read the key again and use the token of that answer',
  )
}
