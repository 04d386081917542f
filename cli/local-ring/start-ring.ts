import path from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { chooseDiscoveryPort, choosePorts, type NodePorts, portsAreFree } from './free-ports.ts'
import type { LocalRing } from './local-ring.ts'
import type { StartedProcess } from './node-process.ts'
import { isUp, type LocalNode, type RingState, withNodes } from './ring-state.ts'
import { killProcesses, stopProcesses } from './stop-processes.ts'
import { stopRing } from './stop-ring.ts'
import { type AwaitSettings, awaitNodes, notWhole, wholeness } from './wholeness.ts'

export interface RingWishes {
  readonly count?: number | undefined
  /** Parent of the data directories. */
  readonly dataDir?: string | undefined
  readonly conflicts?: RingState['conflicts'] | undefined
}

export interface StartOutcome {
  readonly state: RingState
  /** False where it was up already: then nothing was changed. */
  readonly started: boolean
}

const DEFAULT_COUNT = 5

/**
 * Starts all nodes of the ring and waits until it is whole. A ring of which a node is up is left as it is, and
 * one that was stopped is started again with its data. On failure, or when the signal aborts, nothing that was
 * started is left running.
 * @throws KvError `conflict` where the ring exists and is not as wished, and what keeps a node from starting.
 */
export async function startRing(
  ring: LocalRing,
  wishes: RingWishes,
  settings: AwaitSettings,
): Promise<StartOutcome> {
  const before = ring.state()
  if (before) checkWishes(before, wishes)
  if (before?.starting) await stopRing(ring, before)
  else if (before?.nodes.some(isUp)) return { state: before, started: false }
  const discoveryPort = await chooseDiscoveryPort(before?.discoveryPort)
  const plan = { ...(before ?? newRing(ring, wishes)), discoveryPort }
  const kept = before?.nodes.every((node) => node.httpPort > 0) ? before.nodes : undefined
  const ports = kept && (await portsAreFree(kept)) ? kept : await choosePorts(plan.nodes.length)
  try {
    return { state: await launch(ring, plan, ports, settings), started: true }
  } catch (thrown) {
    const taken = (thrown as KvError).code === 'conflict' && !(await portsAreFree(ports))
    if (!taken || settings.signal.aborted) throw thrown
    // Another program was faster at one of the ports: the nodes find free ones for themselves.
    const any = plan.nodes.map(() => ({ httpPort: 0, peerPort: 0 }))
    return { state: await launch(ring, plan, any, settings), started: true }
  }
}

function checkWishes({ name, nodes, conflicts }: RingState, wishes: RingWishes): void {
  const wrong = (what: string): KvError =>
    new KvError(
      'conflict',
      `the ring "${name}" exists and ${what}`,
      `remove it with its data: kv down --name ${name} --wipe, or choose another --name`,
    )
  if (wishes.count !== undefined && wishes.count !== nodes.length) throw wrong(`has ${nodes.length} nodes`)
  if (wishes.conflicts !== undefined && wishes.conflicts !== conflicts)
    throw wrong(`settles conflicts by ${conflicts}`)
  const dataDir = path.dirname(nodes[0]?.dataDir ?? '')
  if (wishes.dataDir !== undefined && path.resolve(wishes.dataDir) !== dataDir)
    throw wrong(`keeps its data in ${dataDir}`)
}

function newRing(ring: LocalRing, wishes: RingWishes): Omit<RingState, 'discoveryPort'> {
  const { count = DEFAULT_COUNT, conflicts = 'lww' } = wishes
  const dataDir = path.resolve(wishes.dataDir ?? path.join(ring.settings.directory, 'data'))
  const nodes = Array.from({ length: count }, (_, i): LocalNode => {
    const id = `n${i + 1}`
    return { id, httpPort: 0, peerPort: 0, dataDir: path.join(dataDir, id), logFile: ring.logFile(id) }
  })
  return { version: 1, name: ring.name, conflicts, nodes, pauses: [], faults: [] }
}

async function launch(
  ring: LocalRing,
  plan: RingState,
  ports: readonly NodePorts[],
  settings: AwaitSettings,
): Promise<RingState> {
  const started = new Map<string, StartedProcess>()
  try {
    for (const [i, node] of plan.nodes.entries()) {
      started.set(node.id, ring.spawn(plan, node, ports[i] as NodePorts))
      // Should this process be killed now, the next kv up or kv down still knows them.
      ring.save(withProcesses(plan, started))
    }
    const listening = await addresses(plan, started)
    const begun = withNodes(withProcesses(plan, started), (node) => ({ ...node, ...listening.get(node.id) }))
    await awaitNodes(begun.nodes, wholeness(begun.nodes.length), settings)
    const { starting, ...state } = begun
    ring.save(state)
    return state
  } catch (thrown) {
    const processes = [...started.values()].map(({ identity }) => identity)
    await (settings.signal.aborted ? stopProcesses(processes) : killProcesses(processes))
    ring.save(plan)
    throw thrown
  }
}

function withProcesses(plan: RingState, started: ReadonlyMap<string, StartedProcess>): RingState {
  return {
    ...withNodes(plan, ({ killed, process, ...node }) => {
      const identity = started.get(node.id)?.identity
      return identity ? { ...node, process: identity } : node
    }),
    pauses: [],
    faults: [],
    starting: true,
  }
}

/** The ports that the nodes have found. @throws KvError naming the first node that did not start. */
async function addresses(
  plan: RingState,
  started: ReadonlyMap<string, StartedProcess>,
): Promise<Map<string, NodePorts>> {
  const found = new Map<string, NodePorts>()
  for (const node of plan.nodes) {
    try {
      const { httpPort, peerPort } = await (started.get(node.id) as StartedProcess).listening
      found.set(node.id, { httpPort, peerPort })
    } catch (thrown) {
      throw didNotStart(node, thrown as KvError)
    }
  }
  return found
}

/** The node's own words where it has some, the end of its log where not. */
export function didNotStart(node: LocalNode, error: KvError): KvError {
  if (error.code === 'internal') return notWhole(node, error.message)
  return new KvError(error.code, `${node.id} did not start: ${error.message}`, error.hint)
}
