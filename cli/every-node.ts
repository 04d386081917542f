import type { NodeStatus } from '../shared/api.ts'
import { AxiosExchange } from '../shared/client/axios-exchange.ts'
import { NodeClient } from '../shared/client/node-client.ts'
import { KvError, toKvError } from '../shared/errors.ts'

/** A node, and where it is asked. */
export interface NodeAddress {
  readonly id: string
  readonly http: string
  /** False where it probably does not answer: it is not waited for as long as the others. */
  readonly up: boolean
}

/** Long enough for a node that is up after all. */
const DOUBTFUL_MS = 1_500

/** A node that has not answered for so long after another one has hangs, or as good as: a question need not wait. */
const LAG_MS = 1_500

export interface Answers<T> {
  /** By node id. */
  readonly answers: ReadonlyMap<string, T>
  readonly failures: ReadonlyMap<string, KvError>
}

/** Asks all nodes what they know, as `askEvery` does, but does not wait long for those that lag behind the others. */
export async function surveyEvery<T>(
  nodes: readonly NodeAddress[],
  timeoutMs: number,
  ask: (client: NodeClient, node: NodeAddress) => Promise<T>,
): Promise<Answers<T>> {
  let giveUp = (_: KvError): void => undefined
  const late = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  late.catch(() => undefined)
  let timer: NodeJS.Timeout | undefined
  const answers = await askEvery(nodes, timeoutMs, async (client, node) => {
    const answer = await Promise.race([ask(client, node), late])
    const why = `no answer within ${LAG_MS} ms after that of ${node.id}`
    timer ??= setTimeout(() => giveUp(new KvError('unreachable', why, 'see: kv ring status')), LAG_MS)
    return answer
  })
  clearTimeout(timer)
  return answers
}

/** Asks all nodes at once, each by itself. Rejects with nothing: a node that fails is among the failures. */
export async function askEvery<T>(
  nodes: readonly NodeAddress[],
  timeoutMs: number,
  ask: (client: NodeClient, node: NodeAddress) => Promise<T>,
): Promise<Answers<T>> {
  const exchange = new AxiosExchange()
  const answers = new Map<string, T>()
  const failures = new Map<string, KvError>()
  await Promise.all(
    nodes.map(async (node) => {
      try {
        const client = new NodeClient(
          { exchange },
          { endpoint: node.http, timeoutMs: node.up ? timeoutMs : Math.min(timeoutMs, DOUBTFUL_MS) },
        )
        answers.set(node.id, await ask(client, node))
      } catch (thrown) {
        failures.set(node.id, toKvError(thrown))
      }
    }),
  )
  exchange.close()
  return { answers, failures }
}

/** @throws KvError where not one node has answered: what the first of them failed with. */
export function expectAnswers({ answers, failures }: Answers<unknown>): void {
  if (answers.size > 0) return
  const [failure] = failures.values()
  throw failure ?? new KvError('unreachable', 'the ring has no nodes', 'see: kv node list')
}

/** The nodes that a status lists, in its order. */
export function addressesOf(nodes: readonly NodeStatus[]): NodeAddress[] {
  return nodes.map(({ id, http, state }) => ({ id, http, up: state === 'up' }))
}
