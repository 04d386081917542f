import type { FastifyReply, FastifyRequest } from 'fastify'
import { encodeContextToken } from '../causality/context-token.ts'
import type { GetOutcome } from '../coordinator/outcome.ts'
import type { ApiContext } from './context.ts'
import { type ReadOptions, readOptions, writeOptions } from './options.ts'
import type { Responder } from './responder.ts'
import { deleteResult, notFound, readResult, writeResult } from './results.ts'
import type { Route } from './route.ts'
import { type Target, targetOf } from './target.ts'

const EMPTY = Buffer.alloc(0)
const JSON_TYPE = 'application/json; charset=utf-8'

/** PUT, GET, HEAD and DELETE of one key: the hot path, which parses by hand what it needs and no more. */
export function keyRoutes({ node, settings }: ApiContext, responder: Responder): Route[] {
  const { id, secret } = settings

  const put = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { key, query } = targetOf(request.originalUrl)
    const options = writeOptions({ method: 'PUT', key, query, headers: request.headers }, secret)
    const outcome = await node().coordinator.put(key, (request.body as Buffer | undefined) ?? EMPTY, options)
    const body = JSON.stringify(writeResult(key, outcome))
    responder.send(request, reply, 200, ['Content-Type', JSON_TYPE], body)
  }

  const remove = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { key, query } = targetOf(request.originalUrl)
    const options = writeOptions({ method: 'DELETE', key, query, headers: request.headers }, secret)
    const outcome = await node().coordinator.put(key, null, options)
    const body = JSON.stringify(deleteResult(key, outcome))
    responder.send(request, reply, 200, ['Content-Type', JSON_TYPE], body)
  }

  const get = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const target = targetOf(request.originalUrl)
    const options = readOptions(target.query)
    const outcome = await node().coordinator.get(target.key, options)
    const { status, headers, body } = readAnswer(request, { target, options, outcome })
    headers.push(
      'X-KV-Context',
      encodeContextToken(target.key, outcome.context, secret),
      'X-KV-Replies',
      String(outcome.replies),
      'X-KV-Sloppy',
      String(outcome.sloppy),
      'X-KV-Coordinator',
      id,
    )
    responder.send(request, reply, status, headers, body)
  }

  const readAnswer = (request: FastifyRequest, { target: { key }, options, outcome }: Read): Answer => {
    const [winner] = outcome.values
    if (winner === undefined) {
      return {
        status: 404,
        headers: ['Content-Type', JSON_TYPE],
        body: JSON.stringify(notFound(key).toBody()),
      }
    }
    const several = options.siblings && outcome.values.length > 1
    const etag = `"${winner.version}"`
    const headers = ['ETag', etag, 'X-Content-Type-Options', 'nosniff', 'Vary', 'Accept']
    const { accept, 'if-none-match': known } = request.headers
    if (!several && known !== undefined && matches(known, etag)) return { status: 304, headers, body: EMPTY }
    if (!several && !accept?.includes('application/json')) {
      headers.push('Content-Type', 'application/octet-stream')
      return { status: 200, headers, body: winner.value }
    }
    headers.push('Content-Type', JSON_TYPE)
    const body = JSON.stringify(readResult(key, outcome, secret, options.siblings))
    return { status: several ? 300 : 200, headers, body }
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

interface Answer {
  readonly status: number
  /** Names and values in turn. */
  readonly headers: string[]
  readonly body: Buffer | string
}

/** RFC 9110, If-None-Match: a list of entity tags, or `*`. */
function matches(header: string, etag: string): boolean {
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
