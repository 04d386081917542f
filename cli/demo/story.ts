import { setTimeout as sleep } from 'node:timers/promises'
import type { HintsStatus, RingStatus } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import { faultId } from '../chaos/chaos-command.ts'
import { RingFaults } from '../chaos/ring-faults.ts'
import { connect } from '../connect.ts'
import { askEvery, type NodeAddress } from '../every-node.ts'
import type { LocalRing } from '../local-ring/local-ring.ts'
import { chooseNodes, killNodes, restartNodes } from '../local-ring/node-control.ts'
import { httpOf, type RingState } from '../local-ring/ring-state.ts'
import { startRing } from '../local-ring/start-ring.ts'
import { grouped } from '../render/import-progress.ts'
import { Ledger } from './ledger.ts'
import { makeOrders } from './orders.ts'

/** What the story needs of the world. */
export interface StoryComponents {
  readonly ring: LocalRing
  readonly signal: AbortSignal
  /** A headline; then what happened. */
  readonly step: (text: string) => void
  readonly tell: (text: string) => void
}

export interface StoryResult {
  /** Writes that were acknowledged. */
  acknowledged: number
  /** Acknowledged writes that some node did not give back. */
  missing: number
  nodes: number
}

const NODES = 5
const IMPORTED = 6_000
const ON_EACH_SIDE = 500
const VICTIM = 'n3'
const SMALL_SIDE = ['n1', 'n2']
const PATIENCE_MS = 60_000
const ANSWER_MS = 2_000
const LOOK_EVERY_MS = 200
const FAULT_MS = 60_000

/** The main story: a crash during an import, a partition with writes on both sides, recovery, and the reckoning. */
export class Story {
  private readonly components: StoryComponents
  private nodes: readonly NodeAddress[] = []

  constructor(components: StoryComponents) {
    this.components = components
  }

  /** @throws KvError `invariant` where an acknowledged write is missing, `not_ready` where the ring does not recover. */
  async tellAll(): Promise<StoryResult> {
    const { ring } = this.components
    const state = await this.start()
    this.nodes = state.nodes.map((node) => ({ id: node.id, http: httpOf(node), up: true }))
    const client = connect({ endpoints: this.nodes.map((node) => node.http), timeoutMs: 10_000 })
    try {
      const ledger = new Ledger(client)
      await this.importAndKill(ledger, state)
      await this.partition(ledger)
      await this.restart(ring)
      await this.awaitRecovery()
      return { ...(await this.reckon(ledger)), nodes: NODES }
    } finally {
      client.close()
    }
  }

  private async start(): Promise<RingState> {
    const { ring, step, tell, signal } = this.components
    step(`Five nodes start on this machine, and find each other by UDP`)
    const { state } = await startRing(ring, { count: NODES }, { patienceMs: PATIENCE_MS, signal })
    for (const node of state.nodes) tell(`${node.id}  ${httpOf(node)}  process ${node.process?.pid}`)
    tell('Each key has three owners; a write is acknowledged once two nodes have it on disk.')
    return state
  }

  private async importAndKill(ledger: Ledger, state: RingState): Promise<void> {
    const { ring, step, tell } = this.components
    step(`${grouped(IMPORTED)} orders are imported, and ${VICTIM} is killed (kill -9) on the way`)
    let killing: Promise<unknown> | undefined
    const failed = await ledger.write(makeOrders(1, IMPORTED), this.endpoints(), (acknowledged) => {
      if (acknowledged < IMPORTED / 3 || killing) return
      tell(`${grouped(acknowledged)} acknowledged; now ${VICTIM} dies`)
      killing = killNodes(ring, chooseNodes(state, [VICTIM]))
    })
    await killing
    this.report(ledger, failed)
    await this.until(`${VICTIM} to be found missing`, async () => {
      const status = await this.view('n1')
      return status.nodes.some((node) => node.id === VICTIM && node.state === 'down') ? status : undefined
    }).then((status) => tell(`kv ring status says: ${status.health}: ${status.reason}`))
  }

  private async partition(ledger: Ledger): Promise<void> {
    const { step, tell } = this.components
    const rest = this.nodes.map((node) => node.id).filter((id) => !SMALL_SIDE.includes(id))
    step(`The network splits: ${SMALL_SIDE.join(' ')} on one side, ${rest.join(' ')} on the other`)
    const faults = new RingFaults(this.nodes, ANSWER_MS)
    const id = faultId('partition')
    await faults.add({ id, kind: 'partition', groups: [SMALL_SIDE, rest], untilMs: Date.now() + FAULT_MS })
    await this.until('the sides to lose sight of each other', async () => {
      const status = await this.view('n1')
      return status.nodes.every((node) => SMALL_SIDE.includes(node.id) || node.state !== 'up') || undefined
    })
    const alive = rest.filter((one) => one !== VICTIM)
    let first = IMPORTED + 1
    for (const side of [SMALL_SIDE, alive]) {
      tell(`${ON_EACH_SIDE} orders are written through ${side.join(' and ')}`)
      this.report(ledger, await ledger.write(makeOrders(first, ON_EACH_SIDE), this.endpoints(side)))
      first += ON_EACH_SIDE
    }
    tell('What the other side misses waits as hints, on disk:')
    for (const line of await this.hintLines()) tell(line)
    await faults.heal(id)
    tell('The network is whole again.')
  }

  private async restart(ring: LocalRing): Promise<void> {
    const { step, tell, signal } = this.components
    step(`${VICTIM} starts again, with the disk that it had`)
    const nodes = chooseNodes(ring.expectState(), [VICTIM])
    await restartNodes(ring, nodes, { patienceMs: PATIENCE_MS, signal })
    tell(`${VICTIM} is back, and is handed what it has missed`)
  }

  private async awaitRecovery(): Promise<void> {
    const { tell } = this.components
    let last = Number.NaN
    await this.until('the hints to be delivered', async () => {
      const { answers } = await askEvery(this.nodes, ANSWER_MS, (node) => node.hints())
      const waiting = [...answers.values()].reduce((sum, { hints }) => sum + countHints(hints), 0)
      if (waiting !== last) tell(`hints waiting: ${grouped(waiting)}`)
      last = waiting
      return (waiting === 0 && answers.size === NODES) || undefined
    })
    await this.until('every node to find the ring whole', async () => {
      const { answers } = await askEvery(this.nodes, ANSWER_MS, (node) => node.status())
      const well = [...answers.values()].filter((status) => status.health === 'ok')
      return well.length === NODES || undefined
    })
    tell('kv ring status says, on every node: ok')
  }

  private async reckon(ledger: Ledger): Promise<{ acknowledged: number; missing: number }> {
    const { step, tell, signal } = this.components
    const count = ledger.acknowledged.size
    step(`The reckoning: ${grouped(count)} acknowledged orders, each read from every node (R = 2)`)
    const missing = new Set<string>()
    await Promise.all(
      this.nodes.map(async (node) => {
        const wrong = await ledger.missing(node.http)
        for (const key of wrong) missing.add(key)
        tell(`${node.id}: ${grouped(count - wrong.length)} of ${grouped(count)} are right`)
      }),
    )
    signal.throwIfAborted()
    if (missing.size > 0) {
      const some = [...missing].slice(0, 3).join(', ')
      throw new KvError(
        'invariant',
        `${missing.size} of ${grouped(count)} acknowledged orders are missing, such as ${some}`,
      )
    }
    return { acknowledged: count, missing: 0 }
  }

  private report(ledger: Ledger, failed: number): void {
    const all = `${grouped(ledger.acknowledged.size)} acknowledged in all`
    this.components.tell(
      failed === 0 ? `every write was acknowledged; ${all}` : `${failed} writes were not; ${all}`,
    )
  }

  private async hintLines(): Promise<string[]> {
    const { answers } = await askEvery(this.nodes, ANSWER_MS, (node) => node.hints())
    return [...answers.values()].flatMap(({ hints }) =>
      hints.map(({ holder, target, count }) => `${holder} holds ${grouped(count)} for ${target}`),
    )
  }

  private endpoints(ids?: readonly string[]): string[] {
    return this.nodes.filter((node) => ids?.includes(node.id) ?? true).map((node) => node.http)
  }

  private async view(id: string): Promise<RingStatus> {
    const nodes = this.nodes.filter((node) => node.id === id)
    const { answers, failures } = await askEvery(nodes, ANSWER_MS, (node) => node.status())
    const status = answers.get(id)
    if (!status) throw failures.get(id) ?? new KvError('internal', `no view of ${id}`)
    return status
  }

  /** @throws KvError `not_ready` saying what was awaited in vain. */
  private async until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      this.components.signal.throwIfAborted()
      const seen = await look()
      if (seen !== undefined) return seen
      if (performance.now() > deadline)
        throw new KvError('not_ready', `waited ${PATIENCE_MS / 1000} s for ${what}`)
      await sleep(LOOK_EVERY_MS)
    }
  }
}

function countHints(hints: HintsStatus['hints']): number {
  return hints.reduce((sum, hint) => sum + hint.count, 0)
}
