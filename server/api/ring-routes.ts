import type { FastifyRequest } from 'fastify'
import type {
  HintsReplayed,
  HintsStatus,
  LayoutResult,
  LocateResult,
  NodeStatus,
  PolicyResult,
  RemovalResult,
  RingStatus,
} from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import { keyFromBytes } from '../../shared/key.ts'
import { POLICIES } from '../membership/layout.ts'
import type { ApiContext } from './context.ts'
import { parseQuery, queryOf, switchIn } from './query.ts'
import type { Route } from './route.ts'
import type { ServedPlacement } from './served-node.ts'

const SLOTS = 16_384
const NO_OWNER = 0xffff

/** What the ring looks like from this node. */
export function ringRoutes({ node }: ApiContext): Route[] {
  let coded: { placement: ServedPlacement; owners: string } | undefined

  const layout = (): LayoutResult => {
    const placement = node().placement()
    if (placement === undefined)
      throw new KvError('not_ready', 'the ring is not formed yet', 'try again, or see /health/ready')
    if (coded?.placement.slots !== placement.slots) coded = { placement, owners: ownersOf(placement) }
    const http = new Map(
      node()
        .status()
        .nodes.map((status) => [status.id, status.http]),
    )
    const { members, former, ...layout } = placement.layout
    return {
      ...layout,
      slots: SLOTS,
      members: members.map(({ id, zone, weight }) => ({ id, zone, weight, http: http.get(id) ?? '' })),
      former: former.map(({ id }) => id),
      owners: coded.owners,
      width: Math.min(layout.n, members.length),
    }
  }

  const locate = (request: FastifyRequest): LocateResult => {
    const key = parseQuery(queryOf(request.originalUrl), ['key']).get('key') ?? ''
    return node().locate(keyFromBytes(Buffer.from(key, 'latin1')))
  }

  const replay = (request: FastifyRequest): HintsReplayed => {
    const target = parseQuery(queryOf(request.originalUrl), ['node']).get('node')
    const known = node()
      .status()
      .nodes.some(({ id }) => id === target)
    if (target === undefined || known) return node().replayHints(target)
    throw new KvError('not_found', `there is no node ${JSON.stringify(target)}`, 'list them: kv node list')
  }

  const policy = (request: FastifyRequest): Promise<PolicyResult> => {
    const wanted = parseQuery(queryOf(request.originalUrl), ['conflicts']).get('conflicts')
    const known = POLICIES.find((name) => name === wanted)
    if (known !== undefined) return node().changePolicy(known)
    const why = wanted === undefined ? 'no policy is named' : `there is no policy ${JSON.stringify(wanted)}`
    throw new KvError('usage', why, `give conflicts=${POLICIES.join(' or conflicts=')}`)
  }

  const remove = (request: FastifyRequest): Promise<RemovalResult> => {
    const query = parseQuery(queryOf(request.originalUrl), ['node', 'force'])
    const force = switchIn(query, 'force') ?? false
    const id = query.get('node')
    if (id) return node().removeNode(id, force)
    throw new KvError('usage', 'no node is named', 'give the id of the one to take out of the ring: node=n4')
  }

  return [
    { method: 'GET', path: '/ring', handler: (): RingStatus => node().status() },
    { method: 'GET', path: '/ring/layout', handler: layout },
    { method: 'GET', path: '/ring/locate', handler: locate },
    { method: 'POST', path: '/ring/policy', handler: policy },
    { method: 'POST', path: '/ring/remove', handler: remove },
    {
      method: 'GET',
      path: '/nodes',
      handler: (): { nodes: NodeStatus[] } => ({ nodes: node().status().nodes }),
    },
    { method: 'GET', path: '/hints', handler: (): HintsStatus => node().hints() },
    { method: 'POST', path: '/hints/replay', handler: replay },
  ]
}

/** See LayoutResult. */
function ownersOf({ layout, slots }: ServedPlacement): string {
  const index = new Map(layout.members.map(({ id }, i) => [id, i]))
  const width = Math.min(layout.n, layout.members.length)
  const table = Buffer.alloc(SLOTS * width * 2)
  for (let slot = 0; slot < SLOTS; slot++) {
    const owners = slots.owners(slot)
    for (let i = 0; i < width; i++) {
      const owner = owners[i]
      const member = owner === undefined ? undefined : index.get(owner)
      table.writeUInt16BE(member ?? NO_OWNER, (slot * width + i) * 2)
    }
  }
  return table.toString('base64')
}
