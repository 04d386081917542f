import { setTimeout as sleep } from 'node:timers/promises'
import type { RingStatus } from '../../shared/api.ts'
import { AxiosExchange } from '../../shared/client/axios-exchange.ts'
import { NodeClient } from '../../shared/client/node-client.ts'
import { KvError, toKvError } from '../../shared/errors.ts'
import { logTail } from './node-process.ts'
import { httpOf, isUp, type LocalNode } from './ring-state.ts'

const POLL_MS = 100
const ANSWER_MS = 2_000

export interface AwaitSettings {
  readonly patienceMs: number
  readonly signal: AbortSignal
}

/** What a node's view of the ring lacks; undefined where nothing. */
type Lack = (status: RingStatus) => string | undefined

/**
 * Waits until each of `nodes` is ready and lacks nothing.
 * @throws KvError `not_ready` that names a node and shows the end of its log, after `patienceMs` or once its
 * process has ended.
 */
export async function awaitNodes(
  nodes: readonly LocalNode[],
  lack: Lack,
  { patienceMs, signal }: AwaitSettings,
): Promise<void> {
  const exchange = new AxiosExchange()
  const deadline = performance.now() + patienceMs
  try {
    for (;;) {
      signal.throwIfAborted()
      const reasons = await Promise.all(nodes.map((node) => missing(exchange, node, lack)))
      const at = reasons.findIndex((reason) => reason !== undefined)
      if (at < 0) return
      const gone = nodes.find((node) => !isUp(node))
      if (gone) throw notWhole(gone, `its process ended`)
      if (performance.now() > deadline) throw notWhole(nodes[at] as LocalNode, reasons[at] as string)
      await sleep(POLL_MS)
    }
  } finally {
    exchange.close()
  }
}

/** Every node of the ring is up, and each slot has all its owners. */
export function wholeness(count: number): Lack {
  return (status) => {
    const away = status.nodes.filter((node) => node.state !== 'up').map((node) => node.id)
    if (away.length > 0) return `it does not see ${away.join(', ')} up`
    if (status.nodes.length < count) return `it has found ${status.nodes.length} of ${count} nodes`
    return status.slotsBelowN > 0 ? status.reason : undefined
  }
}

/** These nodes are up. */
export function presence(ids: ReadonlySet<string>): Lack {
  return (status) => {
    const up = new Set(status.nodes.filter((node) => node.state === 'up').map((node) => node.id))
    const away = [...ids].filter((id) => !up.has(id))
    return away.length > 0 ? `it does not see ${away.join(', ')} up` : undefined
  }
}

/** Why the node is not yet what it should be; undefined where it is. */
async function missing(exchange: AxiosExchange, node: LocalNode, lack: Lack): Promise<string | undefined> {
  const client = new NodeClient({ exchange }, { endpoint: httpOf(node), timeoutMs: ANSWER_MS })
  try {
    const health = await client.health()
    return health.ready ? lack(await client.status()) : health.reason
  } catch (thrown) {
    return toKvError(thrown).message
  }
}

export function notWhole(node: LocalNode, reason: string): KvError {
  const tail = logTail(node.logFile).map((line) => `\n  ${line}`)
  return new KvError(
    'not_ready',
    `${node.id} is not ready: ${reason}`,
    `${node.logFile} ends with:${tail.join('')}`,
  )
}
