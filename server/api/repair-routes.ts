import type { FastifyRequest } from 'fastify'
import type { RepairStatus, ScrubStatus, TombstonesStatus } from '../../shared/api.ts'
import { SLOTS } from '../../shared/slot.ts'
import type { ApiContext } from './context.ts'
import { integerIn, parseQuery, queryOf } from './query.ts'
import type { Route } from './route.ts'
import type { ServedRepair } from './served-node.ts'

/** Anti-entropy, scrub and tombstones of this node. Each order answers how things are after it. */
export function repairRoutes({ node }: ApiContext): Route[] {
  const order =
    (run: (repair: ServedRepair) => void) =>
    (request: FastifyRequest): RepairStatus => {
      parseQuery(queryOf(request.url), [])
      const { repair } = node()
      run(repair)
      return repair.repairStatus()
    }

  const start = (request: FastifyRequest): RepairStatus => {
    const query = parseQuery(queryOf(request.url), ['slot'])
    const { repair } = node()
    repair.compareNow(integerIn(query, 'slot', 0, SLOTS - 1))
    return repair.repairStatus()
  }

  const scrub = (request: FastifyRequest): ScrubStatus => {
    parseQuery(queryOf(request.url), [])
    node().repair.scrubNow()
    return node().repair.scrubStatus()
  }

  return [
    { method: 'GET', path: '/repair', handler: (): RepairStatus => node().repair.repairStatus() },
    { method: 'POST', path: '/repair/start', handler: start },
    { method: 'POST', path: '/repair/pause', handler: order((repair) => repair.pause()) },
    { method: 'POST', path: '/repair/resume', handler: order((repair) => repair.resume()) },
    { method: 'GET', path: '/scrub', handler: (): ScrubStatus => node().repair.scrubStatus() },
    { method: 'POST', path: '/scrub/start', handler: scrub },
    { method: 'GET', path: '/tombstones', handler: (): TombstonesStatus => node().tombstones() },
  ]
}
