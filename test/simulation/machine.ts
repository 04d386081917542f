import type { Node } from '../../server/node.ts'
import type { NodeComponents, NodeSettings } from '../../server/node-settings.ts'
import { toKvError } from '../../shared/errors.ts'
import type { Prng } from './prng.ts'
import { SimulatedProcess } from './process.ts'
import { SeededRandom } from './seeded-random.ts'
import type { SimulatedDisk } from './simulated-disk.ts'
import type { SimulatedEndpoint } from './simulated-endpoint.ts'
import { MachineTime, VirtualClock } from './virtual-clock.ts'
import type { World } from './world.ts'

export type NodeFactory = (components: NodeComponents, settings: NodeSettings) => Node

export type Answer<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'rejected'; readonly error: unknown }
  /** Nobody listened: the request has certainly not been seen. */
  | { readonly kind: 'refused' }
  /** The connection broke before an answer came. */
  | { readonly kind: 'lost' }

export interface MachineSettings {
  readonly node: Omit<NodeSettings, 'incarnation'>
  readonly offsetMs: number
  readonly driftPpm: number
}

/** Time between a client and a node, one way, microseconds. */
const CLIENT_LATENCY = 100
/** Until a node whose disk has failed has ended, microseconds. */
const EXIT_AFTER = 20_000
/** How long a node may take to stop, microseconds. */
export const STOP_WITHIN = 15_000_000

/** One computer of the ring: a clock and a disk, which last, and the node's process, which comes and goes. */
export class Machine {
  readonly id: string
  readonly time: MachineTime
  readonly disk: SimulatedDisk
  process: SimulatedProcess | undefined
  node: Node | undefined
  private endpoint: SimulatedEndpoint | undefined
  private readonly world: World
  private readonly prng: Prng
  private readonly makeNode: NodeFactory
  private readonly settings: MachineSettings
  /** The ring may have removed it: then it does not start. */
  parted = false
  /** Nobody turns it on any more. */
  dead = false
  private readonly unanswered = new Set<() => void>()

  constructor(
    components: { world: World; prng: Prng; disk: SimulatedDisk; makeNode: NodeFactory },
    settings: MachineSettings,
  ) {
    this.world = components.world
    this.prng = components.prng
    this.disk = components.disk
    this.makeNode = components.makeNode
    this.settings = settings
    this.id = settings.node.id
    this.time = new MachineTime({ loop: components.world.loop }, settings)
  }

  get up(): boolean {
    return this.process !== undefined && !this.process.dead
  }

  get ready(): boolean {
    return this.process?.state === 'running' && this.node?.readiness().ready === true
  }

  /** Waits for no answer of a peer. */
  get idle(): boolean {
    return this.node?.stats().get('peer_requests_waiting') === 0
  }

  start(): void {
    if (this.up || this.dead) return
    const { world } = this
    world.note(this.id, 'starts')
    const process = new SimulatedProcess({
      loop: world.loop,
      onThrow: (thrown) => world.fail(this.id, 'threw', thrown),
    })
    const clock = new VirtualClock({ loop: world.loop, machine: this.time, process })
    const network = world.network.attach(process, this.id, this.settings.node.peerAddress)
    const node = this.makeNode(
      {
        clock,
        network,
        storage: this.disk.open(clock),
        random: new SeededRandom({ prng: this.prng.fork('random') }),
        trace: world.trace(this.id),
      },
      { ...this.settings.node, incarnation: this.disk.incarnation },
    )
    let failed = false
    // As main does it: a node that does not know what is on its disk comes to an end.
    this.disk.onFailure = () => {
      if (failed || this.process !== process) return
      failed = true
      world.loop.after(EXIT_AFTER, () => {
        if (this.process === process) this.crash(false)
      })
    }
    this.process = process
    this.endpoint = network
    this.node = node
    process.run(() => {
      node.start().catch((thrown) => {
        if (this.process !== process || process.dead) return
        if (this.parted && toKvError(thrown).code === 'conflict') this.crash(false)
        else if (!failed) world.fail(this.id, 'could not start', thrown)
      })
    })
  }

  /** The process ends at once. With `power` the machine goes down too: unsynced writes may be lost. */
  crash(power: boolean): void {
    if (!this.up) return
    this.world.note(this.id, power ? 'loses power' : 'is killed')
    this.end(power)
    this.disk.crash()
  }

  /** As SIGTERM does it; a node that does not come to an end is killed. */
  stop(): void {
    const { process, node, world } = this
    if (process === undefined || node === undefined || process.dead) return
    world.note(this.id, 'is stopped')
    const over = (how: string) => {
      if (this.process !== process || process.dead) return
      world.note(this.id, how)
      this.end(false)
      this.disk.crash()
    }
    world.loop.after(STOP_WITHIN, () => over('did not stop in time and is killed'))
    process.run(() => {
      node.stop().then(
        () => world.loop.after(0, () => over('has stopped')),
        (thrown) => {
          if (toKvError(thrown).code === 'storage_failed') over('ends: its disk has failed')
          else world.fail(this.id, 'could not stop', thrown)
        },
      )
    })
  }

  pause(): void {
    this.world.note(this.id, 'pauses')
    this.process?.pause()
  }

  resume(): void {
    if (this.process?.state !== 'paused') return
    this.world.note(this.id, 'resumes')
    this.process.resume()
  }

  /** A client's request to this node; `done` is called once. */
  request<T>(invoke: (node: Node) => Promise<T>, done: (answer: Answer<T>) => void): void {
    const { process, node } = this
    const { loop } = this.world
    if (process === undefined || node === undefined || process.dead) {
      loop.after(CLIENT_LATENCY, () => done({ kind: 'refused' }))
      return
    }
    let open = true
    const answer = (given: Answer<T>) => {
      if (!open) return
      open = false
      this.unanswered.delete(lose)
      loop.after(CLIENT_LATENCY, () => done(given))
    }
    const lose = () => answer({ kind: 'lost' })
    this.unanswered.add(lose)
    loop.after(CLIENT_LATENCY, () =>
      process.run(() => {
        invoke(node).then(
          (value) => answer({ kind: 'answered', value }),
          (error) => answer({ kind: 'rejected', error }),
        )
      }),
    )
  }

  private end(silently: boolean): void {
    if (this.node !== undefined) this.world.harvest(this.node)
    this.process?.die()
    if (this.endpoint !== undefined) this.world.network.detach(this.endpoint, silently)
    for (const lose of [...this.unanswered]) lose()
    this.node = undefined
  }
}
