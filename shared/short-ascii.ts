/** For texts longer than this one native call is faster. */
const LONGEST = 12

/** The bytes as text where they are few and all ASCII, as most names are; undefined otherwise. */
export function shortAscii(bytes: Uint8Array, from: number, to: number): string | undefined {
  if (to - from > LONGEST) return undefined
  let text = ''
  let at = from
  for (; at + 4 <= to; at += 4) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    if ((a | b | c | d) > 0x7f) return undefined
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < to; at++) {
    const code = bytes[at] as number
    if (code > 0x7f) return undefined
    text += String.fromCharCode(code)
  }
  return text
}
