import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiContext } from './context.ts'
import { EXPOSITION_TYPE, metricText } from './exposition.ts'
import type { RequestMetrics } from './request-metrics.ts'
import type { Route } from './route.ts'

/** GET /metrics: of the node, of this API and of the process. */
export function metricsRoute(
  { node, settings, processMetrics }: ApiContext,
  requests: RequestMetrics,
): Route {
  const handler = async (_request: FastifyRequest, reply: FastifyReply): Promise<string> => {
    const one = (name: string, type: 'counter' | 'gauge', help: string, value: number): string =>
      metricText(`kvring_${name}`, type, help, [{ labels: [], value }])
    let text = metricText('kvring_node_info', 'gauge', 'Who this is; always 1.', [
      {
        labels: [
          ['id', settings.id],
          ['cluster', settings.cluster],
          ['version', settings.version],
        ],
        value: 1,
      },
    ])
    text += one(
      'ready',
      'gauge',
      'Whether the node serves clients, 1 or 0.',
      Number(node().readiness().ready),
    )
    text += one('healthy', 'gauge', 'Whether the node trusts its disk, 1 or 0.', Number(node().healthy()))
    for (const [name, value] of node().stats()) {
      const type = name.endsWith('_total') ? 'counter' : 'gauge'
      text += one(name, type, `${name.replace(/_total$/, '').replaceAll('_', ' ')} of the node.`, value)
    }
    text += requests.text()
    if (processMetrics !== undefined) text += await processMetrics()
    reply.header('Content-Type', EXPOSITION_TYPE)
    return text
  }
  return { method: 'GET', path: '/metrics', handler }
}
