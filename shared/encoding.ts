import { isUtf8 } from 'node:buffer'
import type { Encoding } from './api.ts'
import { KvError } from './errors.ts'
import { type Key, keyFromBytes } from './key.ts'

/** Bytes as JSON can hold them. */
export interface EncodedBytes {
  readonly text: string
  readonly encoding: Encoding
}

/** As UTF-8 text where the bytes are that, else as base64; decodeBytes gives exactly the same bytes back. */
export function encodeBytes(bytes: Buffer): EncodedBytes {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), encoding: 'utf8' }
  return { text: bytes.toString('base64'), encoding: 'base64' }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** @throws KvError `usage` where `text` is not base64, or the encoding is unknown. */
export function decodeBytes(text: string, encoding: Encoding = 'utf8'): Buffer {
  if (encoding === 'utf8') return Buffer.from(text, 'utf8')
  if (encoding !== 'base64') {
    throw new KvError('usage', `unknown encoding ${JSON.stringify(encoding)}`, 'write utf8 or base64')
  }
  if (text.length % 4 !== 0 || !BASE64.test(text)) {
    throw new KvError(
      'usage',
      'a value marked base64 is not base64',
      'pad it with = to a multiple of 4 characters',
    )
  }
  return Buffer.from(text, 'base64')
}

const ASCII = /^[^\u0080-\uffff]*$/

/** The fields that name a key, or any byte string, in an answer. */
export function encodeKey(key: string): { key: string; keyEncoding?: Encoding } {
  if (ASCII.test(key)) return { key }
  const { text, encoding } = encodeBytes(Buffer.from(key, 'latin1'))
  return encoding === 'utf8' ? { key: text } : { key: text, keyEncoding: encoding }
}

/** @throws KvError `usage` or `too_large` as keyFromBytes does. */
export function decodeKey(text: string, encoding: Encoding = 'utf8'): Key {
  return keyFromBytes(decodeBytes(text, encoding))
}
