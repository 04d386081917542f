import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiContext } from './context.ts'
import type { Documentation } from './openapi/documentation.ts'
import type { Route } from './route.ts'

/** /docs and /openapi.json: a server of their own, made when somebody first asks for it. */
export function docsRoutes({ settings }: ApiContext, routes: readonly Route[]): Route[] {
  let documentation: Promise<Documentation> | undefined
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    documentation ??= import('./openapi/documentation.ts').then(({ document }) => document(routes, settings))
    const { answer } = await documentation
    reply.hijack()
    answer(request.raw, reply.raw)
  }
  return [
    { method: 'GET', path: '/openapi.json', handler },
    { method: 'GET', path: '/docs', handler },
    { method: 'GET', path: '/docs/*', handler },
  ]
}
