import { parseDuration } from '../../shared/duration.ts'
import { KvError } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { percentDecode } from './target.ts'

/** The parameters of a query, as byte strings. */
export type Query = ReadonlyMap<string, string>

const NO_PARAMETERS: Query = new Map()

/** @throws KvError `usage` for a parameter that is unknown or given twice, and for a broken escape. */
export function parseQuery(text: string, known: readonly string[]): Query {
  if (text === '') return NO_PARAMETERS
  const query = new Map<string, string>()
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = percentDecode(equals < 0 ? part : part.slice(0, equals))
    if (!known.includes(name)) throw unknownParameter(name, known)
    if (query.has(name)) throw new KvError('usage', `the parameter ${name} is given twice`, 'give it once')
    query.set(name, equals < 0 ? '' : percentDecode(part.slice(equals + 1).replaceAll('+', ' ')))
  }
  return query
}

function unknownParameter(name: string, known: readonly string[]): KvError {
  const guess = nearest(name, known)
  const hint =
    guess === undefined ? `the parameters are ${known.join(', ') || 'none'}` : `did you mean ${guess}?`
  return new KvError('usage', `there is no parameter ${JSON.stringify(name)} here`, hint)
}

/** The query of a URL, '' without one. */
export function queryOf(url: string): string {
  const mark = url.indexOf('?')
  return mark < 0 ? '' : url.slice(mark + 1)
}

/** A whole number from `min` to `max`. */
export function integerIn(query: Query, name: string, min: number, max: number): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  const hint = `${name} is a whole number from ${min}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ' on'}`
  throw new KvError('usage', `${name}=${text} is out of range`, hint)
}

/** `true`, `1` or nothing at all is true; `false` and `0` are false. */
export function switchIn(query: Query, name: string): boolean | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  if (text === 'true' || text === '1' || text === '') return true
  if (text === 'false' || text === '0') return false
  throw new KvError('usage', `${name}=${text} is neither true nor false`, `write ${name}=true`)
}

export function durationIn(query: Query, name: string, maxMs: number): number | undefined {
  const text = query.get(name)
  if (text === undefined) return undefined
  const ms = parseDuration(text, name)
  if (ms <= maxMs) return ms
  throw new KvError('usage', `${name}=${text} is too long`, `at most ${maxMs} ms`)
}
