import { KvError } from './errors.ts'

/**
 * A key: 1 to 1,024 bytes of any value, held as a "byte string" with one character (U+0000 to U+00FF) for
 * each byte. Such strings hash and compare as Map keys, and `<` on them is byte order.
 */
export type Key = string & { readonly __brand: 'Key' }

export const MAX_KEY_BYTES = 1024

/** The bytes of `key`, fresh. */
export function keyToBytes(key: Key): Buffer {
  return Buffer.from(key, 'latin1')
}

/** @throws KvError `usage` for an empty key, `too_large` over 1,024 bytes. */
export function keyFromBytes(bytes: Uint8Array): Key {
  if (bytes.length === 0) throw new KvError('usage', 'the key is empty', 'keys have 1 to 1,024 bytes')
  if (bytes.length > MAX_KEY_BYTES) {
    throw new KvError('too_large', `the key has ${bytes.length} bytes`, 'keys have 1 to 1,024 bytes')
  }
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1') as Key
}

/** The key that a person typed: its UTF-8 bytes. */
export function keyFromText(text: string): Key {
  return keyFromBytes(Buffer.from(text, 'utf8'))
}

/** For people: the UTF-8 text where the bytes are UTF-8, otherwise with `\xNN` for each byte that is not. */
export function keyToText(key: Key): string {
  const bytes = keyToBytes(key)
  const text = bytes.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes)) return text
  return key.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

const UNRESERVED = /[A-Za-z0-9_~-]/

/** Percent-encodes every byte that is not a letter, digit, `_`, `~` or `-`, so that no URL library rewrites it. */
export function keyToPath(key: Key): string {
  let path = ''
  for (const char of key) {
    path += UNRESERVED.test(char)
      ? char
      : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  }
  return path
}

/**
 * The key in a raw URL path segment: `%NN` is a byte, any other character stands for itself.
 * @throws KvError `usage` for a broken escape.
 */
export function keyFromPath(path: string): Key {
  if (!path.includes('%')) return keyFromBytes(Buffer.from(path, 'utf8'))
  const bytes: Buffer[] = []
  for (const part of path.split(/(%[0-9A-Fa-f]{2})/)) {
    if (/^%[0-9A-Fa-f]{2}$/.test(part)) bytes.push(Buffer.of(Number.parseInt(part.slice(1), 16)))
    else if (part.includes('%')) {
      throw new KvError('usage', `broken percent escape in the key: ${part}`, 'write % itself as %25')
    } else bytes.push(Buffer.from(part, 'utf8'))
  }
  return keyFromBytes(Buffer.concat(bytes))
}
