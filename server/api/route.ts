import type { FastifyReply, FastifyRequest } from 'fastify'

export type HttpMethod = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

/**
 * One path of the API and what answers it. The OpenAPI description of each stands in openapi/, which is loaded
 * only when somebody reads it.
 */
export interface Route {
  readonly method: HttpMethod | readonly HttpMethod[]
  /** As OpenAPI writes it: `/kv/{key}`. */
  readonly path: string
  /** Hands the body over as it arrives; otherwise it is a Buffer of at most maxValueBytes. */
  readonly streams?: boolean
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/** With what is added to them: GET answers HEAD, too. */
export function allowedOn(routes: readonly Route[]): readonly string[] {
  const methods = new Set<string>(routes.flatMap(methodsOf))
  if (methods.has('GET')) methods.add('HEAD')
  return [...methods]
}

export function methodsOf(route: Route): readonly HttpMethod[] {
  return typeof route.method === 'string' ? [route.method] : route.method
}
