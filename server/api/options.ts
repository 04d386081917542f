import type { IncomingHttpHeaders } from 'node:http'
import { KvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import { decodeContextToken } from '../causality/context-token.ts'
import { type GetOptions, MAX_ATTEMPT, type PutOptions } from '../coordinator/outcome.ts'
import { durationIn, integerIn, parseQuery, type Query, switchIn } from './query.ts'

/** Only the coordinator knows n, and refuses what is over it. */
const MAX_QUORUM = Number.MAX_SAFE_INTEGER
/** Connections that are silent for a little longer are closed. */
export const MAX_TIMEOUT_MS = 60_000
/** A hundred years: stamps stay exact. */
export const MAX_TTL_MS = 100 * 365 * 86_400_000

export interface ReadOptions extends GetOptions {
  /** The reader wants all concurrent values. */
  readonly siblings: boolean
}

const READ_PARAMETERS = ['r', 'siblings', 'timeout', 'linearizable', 'key']
const DELETE_PARAMETERS = ['w', 'strict', 'timeout', 'key']
const PUT_PARAMETERS = [...DELETE_PARAMETERS, 'ttl']
const PLAIN_READ: ReadOptions = { siblings: false }

/** @throws KvError `usage` */
export function readOptions(text: string): ReadOptions {
  if (text === '') return PLAIN_READ
  const query = parseQuery(text, READ_PARAMETERS)
  if (switchIn(query, 'linearizable') === true) throw notAvailable('linearizable reads')
  return {
    r: integerIn(query, 'r', 1, MAX_QUORUM),
    timeoutMs: timeoutIn(query),
    siblings: switchIn(query, 'siblings') ?? false,
  }
}

/** What a write is asked for, besides its body. */
export interface WriteRequest {
  readonly method: string
  readonly key: Key
  readonly query: string
  readonly headers: IncomingHttpHeaders
}

/** @throws KvError `usage` for anything that would otherwise be ignored. */
export function writeOptions(
  { method, key, query: text, headers }: WriteRequest,
  secret: Buffer,
): PutOptions {
  refuseConditions(headers)
  const token = headers['x-kv-context']
  const request = headers['x-kv-request-id']
  const attempt = headers['x-kv-attempt']
  if (text === '' && token === undefined && request === undefined && attempt === undefined) return PLAIN_WRITE
  const query = parseQuery(text, method === 'PUT' ? PUT_PARAMETERS : DELETE_PARAMETERS)
  return {
    w: integerIn(query, 'w', 1, MAX_QUORUM),
    strict: switchIn(query, 'strict'),
    timeoutMs: timeoutIn(query),
    ttlMs: durationIn(query, 'ttl', MAX_TTL_MS),
    context: token === undefined || token === '' ? undefined : decodeContextToken(key, String(token), secret),
    ...requestName(request as string | undefined, attemptIn(attempt as string | undefined)),
  }
}

const PLAIN_WRITE: PutOptions = {}

export interface BatchOptions extends Pick<PutOptions, 'w' | 'strict' | 'timeoutMs'>, GetOptions {
  /** Of writes that succeed, the answers say no more than that. */
  readonly brief: boolean
}

/** What a whole batch can be asked for. @throws KvError `usage` */
export function batchOptions(text: string): BatchOptions {
  const query = parseQuery(text, ['w', 'r', 'strict', 'timeout', 'brief'])
  return {
    brief: switchIn(query, 'brief') ?? false,
    w: integerIn(query, 'w', 1, MAX_QUORUM),
    r: integerIn(query, 'r', 1, MAX_QUORUM),
    strict: switchIn(query, 'strict'),
    timeoutMs: timeoutIn(query),
  }
}

/** @throws KvError `usage` for a name of other characters, and for a later attempt at nothing. */
export function requestName(
  request: string | undefined,
  attempt: number | undefined,
): Pick<PutOptions, 'request' | 'attempt'> {
  if (request !== undefined && !/^[A-Za-z0-9._:-]{1,64}$/.test(request)) {
    const hint = '1 to 64 letters, digits, dots, colons, dashes or underscores; draw them at random'
    throw new KvError('usage', 'the request id is not one', hint)
  }
  if (attempt !== undefined && !(Number.isInteger(attempt) && attempt >= 0 && attempt <= MAX_ATTEMPT)) {
    throw new KvError('usage', 'the number of the attempt is not one', `it goes from 0 to ${MAX_ATTEMPT}`)
  }
  if (attempt !== undefined && attempt > 0 && request === undefined) {
    throw new KvError('usage', 'a retry names no request', 'send the X-KV-Request-Id of the first attempt')
  }
  return { request, attempt }
}

function attemptIn(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  return /^\d{1,9}$/.test(header) ? Number(header) : Number.NaN
}

export function timeoutIn(query: Query): number | undefined {
  return durationIn(query, 'timeout', MAX_TIMEOUT_MS)
}

function refuseConditions(headers: IncomingHttpHeaders): void {
  if (headers['if-match'] !== undefined || headers['if-none-match'] !== undefined) {
    throw notAvailable('conditional writes')
  }
  const encoding = headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') {
    throw new KvError(
      'usage',
      `Content-Encoding: ${encoding} would be lost`,
      'send the bytes as they are to be kept',
    )
  }
}

function notAvailable(what: string): KvError {
  return new KvError('usage', `${what} are not available in this version`, 'see /docs for what is')
}
