import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HealthResult } from '../../shared/api.ts'
import { toKvError } from '../../shared/errors.ts'
import type { ApiContext } from './context.ts'
import type { Route } from './route.ts'

/**
 * /health/live: restart me if this is not 200. /health/ready: send me clients only while this is 200.
 * /health: both, for people.
 */
export function healthRoutes({ node, settings: { id, cluster } }: ApiContext): Route[] {
  const health = (): HealthResult => {
    const { well, ready, reason } = condition(node)
    const status = !well ? 'failed' : ready ? 'ok' : 'not_ready'
    return { status, id, cluster, ready: well && ready, reason }
  }
  const answer = (reply: FastifyReply, ok: boolean): FastifyReply =>
    reply
      .code(ok ? 200 : 503)
      .header('Cache-Control', 'no-store')
      .send(health())
  type Handler = Route['handler']
  const live: Handler = (_request: FastifyRequest, reply) => answer(reply, condition(node).well)
  const ready: Handler = (_request: FastifyRequest, reply) => answer(reply, health().ready)
  return [
    { method: 'GET', path: '/health', handler: ready },
    { method: 'GET', path: '/health/live', handler: live },
    { method: 'GET', path: '/health/ready', handler: ready },
  ]
}

/** A node that is still being put together is well, and not ready. */
function condition(node: ApiContext['node']): { well: boolean; ready: boolean; reason: string } {
  try {
    return { well: node().healthy(), ...node().readiness() }
  } catch (error) {
    return { well: true, ready: false, reason: toKvError(error).message }
  }
}
