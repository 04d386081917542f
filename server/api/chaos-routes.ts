import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FaultRule, FaultStatus } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import type { ApiContext } from './context.ts'
import type { Route } from './route.ts'

/** Faults, for whoever breaks the ring on purpose. Every path is refused unless the node was started with chaos. */
export function chaosRoutes({ node, settings: { chaos } }: ApiContext): Route[] {
  const allow = (): void => {
    if (chaos) return
    throw new KvError(
      'forbidden',
      'chaos is off on this node',
      'start the node with --chaos, or a local ring: kv up',
    )
  }

  const list = (): FaultStatus => {
    allow()
    return { faults: node().faults().map(statusOf) }
  }

  const add = (request: FastifyRequest, reply: FastifyReply): { id: string } => {
    allow()
    const rule = parseRule(request.body as Buffer | undefined)
    node().addFault(rule)
    reply.code(201)
    return { id: rule.id }
  }

  const heal = (request: FastifyRequest): { healed: number } => {
    allow()
    const { id } = request.params as { id?: string }
    const healed = node().healFault(id)
    if (id !== undefined && healed === 0)
      throw new KvError('not_found', `there is no fault ${id}`, 'list them: kv chaos status')
    return { healed }
  }

  return [
    { method: 'GET', path: '/chaos', handler: list },
    { method: 'POST', path: '/chaos/faults', handler: add },
    { method: 'DELETE', path: '/chaos/faults', handler: heal },
    { method: 'DELETE', path: '/chaos/faults/{id}', handler: heal },
  ]
}

function statusOf(rule: FaultRule): FaultStatus['faults'][number] {
  const ends = [rule.from, rule.to].filter((end) => end !== undefined)
  const nodes = [...(rule.groups?.flat() ?? []), ...ends]
  return { id: rule.id, kind: rule.kind, nodes, until: new Date(rule.untilMs).toISOString() }
}

/** An object; the node itself checks what it says. */
function parseRule(body: Buffer | undefined): FaultRule {
  let rule: unknown
  try {
    rule = JSON.parse((body ?? Buffer.alloc(0)).toString('utf8'))
  } catch (error) {
    throw new KvError(
      'usage',
      `the body is not JSON: ${(error as SyntaxError).message}`,
      'send a fault rule, see /docs',
    )
  }
  if (typeof rule !== 'object' || rule === null || Array.isArray(rule)) {
    throw new KvError('usage', 'the body is not an object', 'send a fault rule, see /docs')
  }
  return rule as FaultRule
}
