import type { ConflictPolicy } from '../../server/causality/record.ts'
import { type Node, RingNode } from '../../server/node.ts'
import type { NodeComponents, NodeSettings } from '../../server/node-settings.ts'
import type { Machine } from './machine.ts'
import { Observations } from './observations.ts'
import { Prng } from './prng.ts'
import { shareSlotTables } from './shared-slot-tables.ts'
import { SimulatedCluster } from './simulated-cluster.ts'
import { drawSwarm } from './swarm.ts'
import { World } from './world.ts'

const SECOND = 1_000_000

/** A ring of five in virtual time that nothing befalls but what its test does to it. */
export class CalmRing {
  readonly world: World
  readonly cluster: SimulatedCluster

  /** @param settings replaces parts of those of all nodes. */
  constructor(conflicts: ConflictPolicy, settings: Partial<NodeSettings> = {}) {
    shareSlotTables()
    this.world = new World({ seed: 7 })
    const calm = { conflicts, zones: 1, skewMs: 0, driftPpm: 0, commitMicros: 300 }
    const makeNode = (components: NodeComponents, own: NodeSettings) =>
      new RingNode(components, { ...own, ...settings })
    this.cluster = new SimulatedCluster(
      { world: this.world, makeNode, observations: new Observations() },
      { ...drawSwarm(new Prng(7, 'swarm')), ...calm },
    )
  }

  /** Starts whatever is down, and returns when all are ready. */
  async wake(): Promise<void> {
    this.cluster.startAll()
    await this.until('all nodes to be ready', () => this.cluster.ready)
  }

  /** As `wake`, and nothing is left to be mended. */
  async start(): Promise<void> {
    this.cluster.startAll()
    await this.until('the ring to be whole', () => this.cluster.ready && this.cluster.healthy)
  }

  machine(id: string): Machine {
    const machine = this.cluster.machines.find((candidate) => candidate.id === id)
    if (machine === undefined) throw new Error(`there is no ${id}`)
    return machine
  }

  /** A client's request, and its answer. */
  async ask<T>(id: string, invoke: (node: Node) => Promise<T>): Promise<T> {
    const [answer] = await this.askAll([[id, invoke]])
    return answer as T
  }

  /** Requests that are under way at the same time. */
  async askAll<T>(requests: readonly (readonly [string, (node: Node) => Promise<T>])[]): Promise<T[]> {
    const answers: T[] = []
    let open = requests.length
    let failure: unknown
    for (const [i, [id, invoke]] of requests.entries()) {
      this.machine(id).request(invoke, (answer) => {
        open--
        if (answer.kind === 'answered') answers[i] = answer.value
        else failure = answer.kind === 'rejected' ? answer.error : new Error(`${id}: ${answer.kind}`)
      })
    }
    await this.until('an answer', () => open === 0)
    if (failure !== undefined) throw failure
    return answers
  }

  pass(ms: number): Promise<void> {
    return this.world.loop.run(this.world.loop.now + ms * 1_000)
  }

  /** Within two virtual minutes. */
  async until(what: string, done: () => boolean): Promise<void> {
    await this.world.loop.run(this.world.loop.now + 120 * SECOND, done)
    if (!done()) throw new Error(`waited in vain for ${what}: ${this.cluster.complaints()}`)
    if (this.world.failures.length > 0) throw new Error(this.world.failures[0]?.message)
  }
}
