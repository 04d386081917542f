import { malformed, type Parsed, shorten } from './parser.ts'

/** A JSON text as a record; what is no object becomes one with the single field `value`. */
export function jsonRecord(line: number, text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (thrown) {
    return malformed(line, text, `it is not JSON: ${(thrown as Error).message}`)
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const fields = isObject ? (value as Record<string, unknown>) : { value }
  // The text itself, so that numbers keep all their digits.
  return { kind: 'row', line, text: shorten(text), fields, json: () => compact(text) }
}

const BLANK = /\s/
const STRING_OR_BLANKS = /"(?:[^"\\]|\\.)*"|\s+/g

/** JSON without the blanks outside its strings. */
function compact(text: string): string {
  if (!BLANK.test(text)) return text
  return text.replace(STRING_OR_BLANKS, (part) => (part.startsWith('"') ? part : ''))
}
