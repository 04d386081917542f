import type { FastifyReply, FastifyRequest } from 'fastify'
import { KvError } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import { sendError } from './errors.ts'
import { allowedOn, type Route } from './route.ts'
import { KEY_PATH, routedUrl } from './target.ts'

/** 405 where the path exists for other methods, else 404 with the path that was probably meant. */
export function notFoundHandler(routes: readonly Route[]) {
  const paths = [...new Set(routes.map(({ path }) => path))]
  return (request: FastifyRequest, reply: FastifyReply): void => {
    const path = routedUrl(request.method, request.originalUrl).replace(/\?.*$/s, '')
    const others = allowedOn(routes.filter((route) => matches(route.path, path)))
    if (others.length > 0) {
      const allowed = others.join(', ')
      reply.header('Allow', allowed)
      return sendError(
        reply,
        new KvError('usage', `${request.method} is not possible here`, `possible: ${allowed}`),
        405,
      )
    }
    const guess = nearest(path, paths)
    const hint = guess === undefined ? 'see /docs for what there is' : `did you mean ${guess}?`
    sendError(reply, new KvError('not_found', `there is no path ${path.slice(0, 200)}`, hint))
  }
}

function matches(route: string, path: string): boolean {
  if (route === '/kv/{key}') return path === KEY_PATH
  const parts = route.split('/')
  const given = path.split('/')
  return parts.length === given.length && parts.every((part, i) => part === given[i] || part.startsWith('{'))
}
