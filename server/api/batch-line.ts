import type { BatchOperation } from '../../shared/api.ts'
import { decodeBytes, decodeKey } from '../../shared/encoding.ts'
import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { decodeContextToken } from '../causality/context-token.ts'
import type { PutOptions } from '../coordinator/outcome.ts'
import { MAX_TTL_MS, requestName } from './options.ts'

/** One line of a batch that makes sense. */
export interface BatchRequest {
  readonly op: BatchOperation['op']
  readonly key: Key
  /** null where op is not `put`. */
  readonly value: Buffer | null
  readonly options: PutOptions
}

const FIELDS: ReadonlySet<string> = new Set<keyof BatchOperation>([
  'op',
  'key',
  'keyEncoding',
  'value',
  'encoding',
  'ttl',
  'context',
  'requestId',
  'attempt',
])

/** @throws KvError `usage` or `too_large` that says what is wrong with the line. */
export function parseBatchLine(line: string, secret: Buffer): BatchRequest {
  const fields = parseObject(line)
  for (const name in fields) {
    if (!FIELDS.has(name)) throw usage(`there is no field ${JSON.stringify(name)}`)
  }
  const { op } = fields
  if (op !== 'put' && op !== 'get' && op !== 'del') throw usage('op must be put, get or del')
  const key = decodeKey(text(fields, 'key'), fields.keyEncoding as BatchOperation['keyEncoding'])
  if (op !== 'put' && (fields.value !== undefined || fields.ttl !== undefined)) {
    throw usage(`${op} takes neither value nor ttl`)
  }
  const value =
    op === 'put' ? decodeBytes(text(fields, 'value'), fields.encoding as BatchOperation['encoding']) : null
  return { op, key, value, options: lineOptions(fields, key, secret) }
}

type Fields = Record<keyof BatchOperation, unknown>

function parseObject(line: string): Fields {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (error) {
    throw usage(`the line is not JSON: ${(error as SyntaxError).message}`)
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw usage('the line is not an object')
  return parsed as Fields
}

function text(fields: Fields, name: 'key' | 'value'): string {
  const value = fields[name]
  if (typeof value === 'string') return value
  throw usage(value === undefined ? `${name} is missing` : `${name} must be a string`)
}

const NO_OPTIONS: PutOptions = {}

function lineOptions({ ttl, context, requestId, attempt }: Fields, key: Key, secret: Buffer): PutOptions {
  if (ttl === undefined && context === undefined && requestId === undefined && attempt === undefined)
    return NO_OPTIONS
  if (
    ttl !== undefined &&
    !(Number.isSafeInteger(ttl) && (ttl as number) >= 1 && (ttl as number) <= MAX_TTL_MS)
  ) {
    throw usage('ttl must be whole milliseconds, from 1')
  }
  if (context !== undefined && typeof context !== 'string') throw usage('context must be a string')
  if (requestId !== undefined && typeof requestId !== 'string') throw usage('requestId must be a string')
  if (attempt !== undefined && typeof attempt !== 'number') throw usage('attempt must be a number')
  return {
    ttlMs: ttl as number | undefined,
    context: context === undefined ? undefined : decodeContextToken(key, context, secret),
    ...requestName(requestId, attempt),
  }
}

function usage(message: string): KvError {
  return new KvError('usage', message, 'a line is for example {"op":"put","key":"a","value":"1"}')
}
