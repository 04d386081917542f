import type { FastifyReply, FastifyRequest } from 'fastify'
import { encodeContextToken } from '../causality/context-token.ts'
import type { GetOutcome } from '../coordinator/outcome.ts'
import type { ApiContext } from './context.ts'
import { sendError } from './errors.ts'
import { type ReadOptions, readOptions, writeOptions } from './options.ts'
import { deleteResult, notFound, readResult, writeResult } from './results.ts'
import type { Route } from './route.ts'
import { type Target, targetOf } from './target.ts'

const EMPTY = Buffer.alloc(0)
const JSON_TYPE = 'application/json; charset=utf-8'

/** PUT, GET, HEAD and DELETE of one key: the hot path, which parses by hand what it needs and no more. */
export function keyRoutes({ node: { coordinator }, settings: { id, secret } }: ApiContext): Route[] {
  const put = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { key, query } = targetOf(request.originalUrl)
    const options = writeOptions({ method: 'PUT', key, query, headers: request.headers }, secret)
    const outcome = await coordinator.put(key, (request.body as Buffer | undefined) ?? EMPTY, options)
    reply.header('Content-Type', JSON_TYPE)
    return JSON.stringify(writeResult(key, outcome))
  }

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const { key, query } = targetOf(request.originalUrl)
    const options = writeOptions({ method: 'DELETE', key, query, headers: request.headers }, secret)
    const outcome = await coordinator.put(key, null, options)
    reply.header('Content-Type', JSON_TYPE)
    return JSON.stringify(deleteResult(key, outcome))
  }

  const get = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const target = targetOf(request.originalUrl)
    const options = readOptions(target.query)
    const outcome = await coordinator.get(target.key, options)
    reply
      .header('X-KV-Context', encodeContextToken(target.key, outcome.context, secret))
      .header('X-KV-Replies', String(outcome.replies))
      .header('X-KV-Sloppy', String(outcome.sloppy))
      .header('X-KV-Coordinator', id)
    return answerRead(request, reply, { target, options, outcome })
  }

  const answerRead = (request: FastifyRequest, reply: FastifyReply, read: Read): FastifyReply => {
    const { target, options, outcome } = read
    const [winner] = outcome.values
    if (winner === undefined) {
      sendError(reply, notFound(target.key))
      return reply
    }
    const several = options.siblings && outcome.values.length > 1
    const etag = `"${winner.version}"`
    reply.header('ETag', etag).header('X-Content-Type-Options', 'nosniff')
    if (!several && matches(request.headers['if-none-match'], etag)) return reply.code(304).send()
    if (!several && !wantsJson(request)) {
      return reply.header('Content-Type', 'application/octet-stream').send(winner.value)
    }
    const result = readResult(target.key, outcome, secret, options.siblings)
    return reply
      .code(several ? 300 : 200)
      .header('Content-Type', JSON_TYPE)
      .header('Vary', 'Accept')
      .send(JSON.stringify(result))
  }

  return [
    { method: 'PUT', path: '/kv/{key}', handler: put },
    { method: ['GET', 'HEAD'], path: '/kv/{key}', handler: get },
    { method: 'DELETE', path: '/kv/{key}', handler: remove },
  ]
}

interface Read {
  readonly target: Target
  readonly options: ReadOptions
  readonly outcome: GetOutcome
}

function wantsJson(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('application/json') ?? false
}

/** RFC 9110, If-None-Match: a list of entity tags, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
