import type { FastifyReply } from 'fastify'
import { type ErrorCode, KvError } from '../../shared/errors.ts'

/** What fastify refuses by itself, in the words of the error table. */
const FRAMEWORK = new Map<string, [ErrorCode, string, string]>([
  [
    'FST_ERR_CTP_BODY_TOO_LARGE',
    [
      'too_large',
      'the body is over the limit',
      'values have at most 1 MiB, unless --max-value-bytes says otherwise',
    ],
  ],
  [
    'FST_ERR_CTP_INVALID_CONTENT_LENGTH',
    ['usage', 'the body is not as long as its Content-Length says', 'send it again'],
  ],
  [
    'FST_ERR_CTP_INVALID_MEDIA_TYPE',
    ['usage', 'the Content-Type is malformed', 'leave it out, or write type/subtype'],
  ],
  ['FST_ERR_BAD_URL', ['usage', 'the path of the URL is malformed', 'percent-encode it']],
])

/** Any thrown value as an error of the table; `internal` is for what nobody foresaw. */
export function apiError(thrown: unknown): KvError {
  if (thrown instanceof KvError) return thrown
  const { code, message, statusCode } = thrown as { code?: string; message?: string; statusCode?: number }
  const known = code === undefined ? undefined : FRAMEWORK.get(code)
  if (known !== undefined) return new KvError(...known)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new KvError('usage', message ?? 'the request is malformed', 'see /docs')
  }
  return new KvError('internal', 'the node failed to answer', 'its log says why')
}

/** HTTP's own statuses, where they say more than that of the table. */
export function sendError(reply: FastifyReply, error: KvError, status: number = error.kind.http): void {
  if (error.kind.retryable && (status === 429 || status === 503)) reply.header('Retry-After', '1')
  reply
    .code(status)
    .header('Content-Type', 'application/json; charset=utf-8')
    .send(JSON.stringify(error.toBody()))
}
