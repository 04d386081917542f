import { KvError } from '../../shared/errors.ts'
import { nearest } from '../../shared/nearest.ts'
import type { LocalRing } from './local-ring.ts'
import { sendSignal } from './process-identity.ts'
import { isUp, type LocalNode, type Pause, processesOf, type RingState, withNodes } from './ring-state.ts'
import { didNotStart } from './start-ring.ts'
import { killProcesses, stopProcesses } from './stop-processes.ts'
import { type AwaitSettings, awaitNodes, presence } from './wholeness.ts'

/** For the others to see a node that is ready. */
const SEEN_MS = 3_000

/** Process faults of single nodes; every function is called under the ring's lock. */

/**
 * The nodes with these names, in their order. @throws KvError `not_found` with the nearest name as its hint, `conflict`
 * for one that the ring has removed.
 */
export function chooseNodes(state: RingState, ids: readonly string[]): LocalNode[] {
  return ids.map((id) => {
    const node = state.nodes.find((one) => one.id === id)
    if (node) return node
    if (state.removed?.some((one) => one.id === id))
      throw new KvError(
        'conflict',
        `${id} was taken out of the ring for good`,
        'see what is left: kv ring status',
      )
    throw unknownNode(
      id,
      state.nodes.map((one) => one.id),
    )
  })
}

export function unknownNode(id: string, known: readonly string[]): KvError {
  const guess = nearest(id, known)
  const hint = guess === undefined ? `the nodes are ${known.join(', ')}` : `did you mean ${guess}?`
  return new KvError('not_found', `there is no node "${id}"`, hint)
}

/** SIGKILL, as a crash. @returns the state after it. */
export async function killNodes(ring: LocalRing, nodes: readonly LocalNode[]): Promise<RingState> {
  const ids = new Set(nodes.map((node) => node.id))
  const state = ring.expectState()
  await killProcesses(processesOf(nodes))
  const after = {
    ...withNodes(state, (node) => (ids.has(node.id) ? { ...node, killed: true as const } : node)),
    pauses: withoutPausesOf(state.pauses, ids),
  }
  ring.save(after)
  return after
}

/** Stops those that run, starts all of them with what they had, and waits until they are ready. */
export async function restartNodes(
  ring: LocalRing,
  nodes: readonly LocalNode[],
  settings: AwaitSettings,
): Promise<RingState> {
  await stopProcesses(processesOf(nodes))
  const ids = new Set(nodes.map((node) => node.id))
  let state = ring.expectState()
  state = { ...state, pauses: withoutPausesOf(state.pauses, ids) }
  const started = nodes.map((node) => {
    const { identity, listening } = ring.spawn(state, node, node)
    state = withNodes(state, ({ killed, ...one }) =>
      one.id === node.id ? { ...one, process: identity } : killed ? { ...one, killed } : one,
    )
    ring.save(state)
    return { node, listening }
  })
  for (const { node, listening } of started) {
    await listening.catch((thrown: KvError) => {
      throw didNotStart(node, thrown)
    })
  }
  await awaitReady(state, ids, settings)
  return state
}

/** SIGSTOP: the processes keep their connections and answer nothing. */
export function pauseNodes(ring: LocalRing, nodes: readonly LocalNode[], pause: Pause): void {
  const gone = nodes.find((node) => !isUp(node))
  if (gone) throw new KvError('conflict', `${gone.id} does not run`, `start it: kv chaos restart ${gone.id}`)
  const state = ring.expectState()
  // Remembered first: a process that is stopped and not remembered would stay so.
  ring.save({ ...state, pauses: [...state.pauses, pause] })
  for (const one of processesOf(nodes)) sendSignal(one, 'SIGSTOP')
}

/** Ends pauses. A node that is held by another pause stays stopped. @returns those that were ended. */
export function endPauses(ring: LocalRing, ends: (pause: Pause) => boolean): readonly Pause[] {
  const state = ring.expectState()
  const ended = state.pauses.filter(ends)
  if (ended.length === 0) return ended
  const left = state.pauses.filter((pause) => !ended.includes(pause))
  const held = new Set(left.flatMap((pause) => pause.nodes))
  const freed = new Set(ended.flatMap((pause) => pause.nodes).filter((id) => !held.has(id)))
  for (const one of processesOf(state.nodes.filter((node) => freed.has(node.id)))) sendSignal(one, 'SIGCONT')
  ring.save({ ...state, pauses: left })
  return ended
}

export function withoutPausesOf(pauses: readonly Pause[], ids: ReadonlySet<string>): Pause[] {
  return pauses
    .map((pause) => ({ ...pause, nodes: pause.nodes.filter((id) => !ids.has(id)) }))
    .filter((pause) => pause.nodes.length > 0)
}

async function awaitReady(
  state: RingState,
  ids: ReadonlySet<string>,
  settings: AwaitSettings,
): Promise<void> {
  const paused = new Set(state.pauses.flatMap((pause) => pause.nodes))
  const running = state.nodes.filter((node) => isUp(node) && !paused.has(node.id))
  await awaitNodes(
    running.filter((node) => ids.has(node.id)),
    () => undefined,
    settings,
  )
  // Where the ring is partitioned the others will not see them, however long one waits.
  await awaitNodes(running, presence(ids), { ...settings, patienceMs: SEEN_MS }).catch((thrown) => {
    if (settings.signal.aborted) throw thrown
  })
}
