import type { FastifyRequest } from 'fastify'
import { type Key, keyFromBytes } from '../../shared/key.ts'
import type { KeyRepairResult, KeyReport } from '../../shared/key-report.ts'
import type { ApiContext } from './context.ts'
import { timeoutIn } from './options.ts'
import { parseQuery, queryOf } from './query.ts'
import type { Route } from './route.ts'

/** All copies of one key, to look at and to mend. The key stands in the query: its path may be any bytes. */
export function inspectionRoutes({ node }: ApiContext): Route[] {
  const target = (request: FastifyRequest): { key: Key; timeoutMs: number | undefined } => {
    const query = parseQuery(queryOf(request.originalUrl), ['key', 'timeout'])
    const key = keyFromBytes(Buffer.from(query.get('key') ?? '', 'latin1'))
    return { key, timeoutMs: timeoutIn(query) }
  }

  const explain = (request: FastifyRequest): Promise<KeyReport> => {
    const { key, timeoutMs } = target(request)
    return node().keys.explain(key, timeoutMs)
  }

  const repair = (request: FastifyRequest): Promise<KeyRepairResult> => {
    const { key, timeoutMs } = target(request)
    return node().keys.repair(key, timeoutMs)
  }

  return [
    { method: 'GET', path: '/keys/explain', handler: explain },
    { method: 'POST', path: '/keys/repair', handler: repair },
  ]
}
