import { type Key, keyToPath } from '../key.ts'

/** `?a=1&b=true`, without what is undefined. Texts must be percent-encoded or need no encoding. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) parts.push(`${name}=${value}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** The path of a key, with every byte of it as it is. */
export function keyPath(key: Key, parameters: Parameters<typeof query>[0]): string {
  return `/kv/${keyToPath(key)}${query(parameters)}`
}
