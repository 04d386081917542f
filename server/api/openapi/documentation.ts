import type { IncomingMessage, ServerResponse } from 'node:http'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify from 'fastify'
import type { ApiSettings } from '../context.ts'
import { methodsOf, type Route } from '../route.ts'
import { CHAOS_OPERATIONS } from './chaos-operations.ts'
import { DATA_OPERATIONS } from './data-operations.ts'
import { INSPECTION_OPERATIONS } from './inspection-operations.ts'
import { REPAIR_OPERATIONS } from './repair-operations.ts'
import { RING_OPERATIONS } from './ring-operations.ts'

export interface Documentation {
  /** Answers /docs and below it, and /openapi.json. */
  answer(request: IncomingMessage, response: ServerResponse): void
}

/**
 * The OpenAPI document of the routes, and Swagger UI, on a fastify instance that listens nowhere: the one that
 * serves clients carries none of it.
 */
export async function document(
  routes: readonly Route[],
  { version }: Pick<ApiSettings, 'version'>,
): Promise<Documentation> {
  const app = Fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  await app.register(swagger, {
    exposeHeadRoutes: true,
    openapi: {
      openapi: '3.0.3',
      info: {
        title: 'kvring',
        version,
        license: { name: 'MIT' },
        description:
          'A Dynamo-style key-value ring. Errors are {"error":{"code","message","definite","retryable","hint"}}: ' +
          'where definite is false, the operation may have been applied, or may still be.',
      },
      tags: ['data', 'ring', 'health', 'chaos', 'about'].map((name) => ({ name })),
    },
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  const operations = new Map([
    ...DATA_OPERATIONS,
    ...RING_OPERATIONS,
    ...CHAOS_OPERATIONS,
    ...REPAIR_OPERATIONS,
    ...INSPECTION_OPERATIONS,
  ])
  for (const route of routes) {
    for (const method of methodsOf(route)) {
      const operation = operations.get(`${method} ${route.path}`)
      if (operation === undefined) continue
      const handler = () => (route.path === '/openapi.json' ? app.swagger() : '')
      app.route({ method, url: route.path.replace(/\{(\w+)\}/g, ':$1'), schema: operation, handler })
    }
  }
  await app.ready()
  return { answer: (request, response) => app.routing(request, response) }
}
