import { ERRORS, type ErrorBody, type ErrorCode, KvError } from '../errors.ts'
import type { HttpResponse } from './exchange.ts'

/** The JSON of a successful answer. @throws KvError what the answer says, where it is not a success. */
export function readJson<T>(answer: HttpResponse<Buffer>, write: boolean): T {
  if (answer.status >= 200 && answer.status < 300) {
    const value = parse(answer.body)
    if (value !== undefined) return value as T
    throw foreign(answer.status, write)
  }
  throw readError(answer, write)
}

/** The error that an answer carries. */
export function readError(answer: HttpResponse<Buffer>, write: boolean): KvError {
  return errorFromBody(parse(answer.body)) ?? foreign(answer.status, write)
}

/** The error in `{"error":{...}}`, or undefined where it is not one of the table. */
export function errorFromBody(value: unknown): KvError | undefined {
  const error = (value as Partial<ErrorBody> | undefined)?.error
  if (!error || typeof error.code !== 'string' || !Object.hasOwn(ERRORS, error.code)) return undefined
  return new KvError(error.code as ErrorCode, String(error.message), String(error.hint ?? ''))
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

/**
 * Whoever answered does not speak the ring's protocol: a proxy, or another server on that port. A proxy may
 * have passed a write on before it failed, so that a 5xx leaves its outcome unknown.
 */
function foreign(status: number, write: boolean): KvError {
  const what = `the answer (HTTP ${status}) is not one of a kvring node`
  if (write && status >= 500)
    return new KvError('outcome_unknown', what, 'a proxy may have failed: read the key back')
  return new KvError('unreachable', what, 'check the address of the endpoint: kv context show')
}
