import { createHmac, timingSafeEqual } from 'node:crypto'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyToBytes } from '../../shared/key.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import { type Context, readContext, writeContext } from './context.ts'

const FORMAT = 2
const TAG_BYTES = 8
const MAX_TOKEN_CHARS = 65_536

/**
 * The causal context of what a client read, to hand back with its next write. Bound to the key and signed with
 * the cluster's secret: a context made up by a client could claim to have seen writes that are still to come.
 */
export function encodeContextToken(key: Key, context: Context, secret: Buffer): string {
  const body = writeContext(new ByteWriter().u8(FORMAT), context).finish()
  return Buffer.concat([body, tagOf(key, body, secret)]).toString('base64url')
}

/** @throws KvError `usage` for a token that is malformed, forged, of another ring or of another key. */
export function decodeContextToken(key: Key, token: string, secret: Buffer): Context {
  if (token.length > MAX_TOKEN_CHARS || !/^[A-Za-z0-9_-]+$/.test(token)) throw refusal('is malformed')
  const bytes = Buffer.from(token, 'base64url')
  const bodyBytes = bytes.length - TAG_BYTES
  if (bodyBytes < 1 || bytes.toString('base64url') !== token) throw refusal('is malformed')
  const body = bytes.subarray(0, bodyBytes)
  if (!timingSafeEqual(bytes.subarray(bodyBytes), tagOf(key, body, secret))) {
    throw refusal('was not made by this ring for this key')
  }
  try {
    return read(body)
  } catch (error) {
    if (error instanceof RangeError) throw refusal('has a format that this version does not know')
    throw error
  }
}

function read(body: Buffer): Context {
  const reader = new ByteReader(body)
  if (reader.u8() !== FORMAT) throw new RangeError('unknown format')
  const context = readContext(reader)
  reader.done()
  return context
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
