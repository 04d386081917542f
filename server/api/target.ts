import { KvError } from '../../shared/errors.ts'
import { type Key, MAX_KEY_BYTES } from '../../shared/key.ts'

/** A key and the query of a request about it. */
export interface Target {
  readonly key: Key
  /** Without `?`; '' where there is none. */
  readonly query: string
}

/** The path under which the router knows all keys. */
export const KEY_PATH = '/kv/key'

/**
 * The router must not see keys: it decodes paths, refuses %FF and resolves what it can. So every `/kv/{key}`, and
 * every `/kv?key=` but the batch, is one fixed path to it; targetOf reads the key from the original.
 */
export function routedUrl(method: string | undefined, url: string): string {
  const path = url.startsWith('/') ? url : withoutOrigin(url)
  if (!path.startsWith('/kv')) return path
  const next = path.charCodeAt(3)
  if (next === SLASH) return KEY_PATH
  const collection = path.length === 3 || next === QUESTION
  return collection && method !== 'POST' ? KEY_PATH : path
}

const SLASH = 0x2f
const QUESTION = 0x3f

/** `http://host/path`, as proxies are asked, is `/path`. */
function withoutOrigin(url: string): string {
  return url.replace(/^https?:\/\/[^/?]*/i, '') || '/'
}

/** @throws KvError `usage` for a broken escape or an empty key, `too_large` for a key over its limit. */
export function targetOf(url: string): Target {
  const path = url.startsWith('/') ? url : withoutOrigin(url)
  const mark = path.indexOf('?')
  const query = mark < 0 ? '' : path.slice(mark + 1)
  if (path.charCodeAt(3) === SLASH) {
    return { key: checkKey(percentDecode(path.slice(4, mark < 0 ? undefined : mark))), query }
  }
  const named = /(?:^|&)key=([^&]*)/.exec(query)
  return { key: checkKey(percentDecode((named?.[1] ?? '').replaceAll('+', ' '))), query }
}

/** Node.js hands over a URL with one character for each byte, which is what a Key is made of. */
function checkKey(bytes: string): Key {
  if (bytes.length === 0) throw new KvError('usage', 'the key is empty', 'keys have 1 to 1,024 bytes')
  if (bytes.length > MAX_KEY_BYTES) {
    throw new KvError('too_large', `the key has ${bytes.length} bytes`, 'keys have 1 to 1,024 bytes')
  }
  return bytes as Key
}

/** `%NN` is a byte; every other character is one already. @throws KvError `usage` for a broken escape. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%(..?)?/gs, (broken, digits: string | undefined) => {
    if (digits === undefined || !/^[0-9A-Fa-f]{2}$/.test(digits)) {
      throw new KvError('usage', `broken percent escape in the URL: ${broken}`, 'write % itself as %25')
    }
    return String.fromCharCode(Number.parseInt(digits, 16))
  })
}
