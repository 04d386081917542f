import type { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BatchRun } from './batch.ts'
import type { ApiContext } from './context.ts'
import type { LiveStreams } from './live-streams.ts'
import { batchOptions } from './options.ts'
import { queryOf } from './query.ts'
import type { Route } from './route.ts'

/** Lines of one batch that are under way at a time. */
const WINDOW = 256
const WINDOW_BYTES = 8 * 1024 * 1024
/** Room for the names of the fields, the key and a context beside the value. */
const LINE_OVERHEAD_BYTES = 128 * 1024
/** JSON writes a control character as six. */
const ESCAPED = 6

/** POST /kv: a batch of any length, whose answers begin before its input has ended. */
export function batchRoute({ node, settings }: ApiContext, live: LiveStreams): Route {
  const maxLineBytes = settings.maxValueBytes * ESCAPED + LINE_OVERHEAD_BYTES
  const handler = (request: FastifyRequest, reply: FastifyReply): void => {
    const options = batchOptions(queryOf(request.originalUrl))
    const input = (request.body as Readable | undefined) ?? request.raw
    const { coordinator } = node()
    reply.hijack()
    const output = reply.raw
    output.writeHead(200, { 'Content-Type': 'application/x-ndjson', 'X-KV-Coordinator': settings.id })
    const run = new BatchRun(
      // The last answers are still sent, but not the end of the body: the client knows that there should be more.
      { coordinator, input, output, cutOff: () => request.socket.destroySoon() },
      { secret: settings.secret, options, maxLineBytes, window: WINDOW, windowBytes: WINDOW_BYTES },
    )
    live.add(request.socket, output, run)
    run.start()
  }
  return { method: 'POST', path: '/kv', streams: true, handler }
}
