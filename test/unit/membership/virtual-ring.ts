import { HybridClock } from '../../../server/causality/hybrid-clock.ts'
import type { NodeReport } from '../../../server/membership/heartbeat.ts'
import type { Layout } from '../../../server/membership/layout.ts'
import { layoutSource } from '../../../server/membership/layout-source.ts'
import { Membership, type MembershipSettings } from '../../../server/membership/membership.ts'
import type { TraceFields, TraceLevel } from '../../../server/ports/trace.ts'
import { SlotTable } from '../../../server/ring/slot-table.ts'
import { PeerRpc } from '../../../server/rpc/peer-rpc.ts'
import type { FaultRule } from '../../../shared/api.ts'
import { EventLoop } from '../../simulation/event-loop.ts'
import { MemoryDisk } from '../../simulation/memory-disk.ts'
import { MemoryStorage } from '../../simulation/memory-storage.ts'
import { Prng } from '../../simulation/prng.ts'
import { SimulatedProcess } from '../../simulation/process.ts'
import { SeededRandom } from '../../simulation/seeded-random.ts'
import type { SimulatedEndpoint } from '../../simulation/simulated-endpoint.ts'
import { SimulatedNetwork } from '../../simulation/simulated-network.ts'
import { TraceHash } from '../../simulation/trace-hash.ts'
import { EPOCH_MS, MachineTime, VirtualClock } from '../../simulation/virtual-clock.ts'

export interface TracedEvent {
  readonly level: TraceLevel
  readonly event: string
  readonly fields: TraceFields
}

export const EMPTY_REPORT: NodeReport = {
  keys: 0,
  bytes: 0,
  tombstones: 0,
  hintsHeld: 0,
  hintBytes: 0,
  oldestHintMs: 0,
  hintsFor: [],
  commits: 0,
  divergentSlots: 0,
  unfilledSlots: 0,
}

/** One machine that runs nothing but membership: its clock and disk outlive its processes. */
export class VirtualNode {
  readonly id: string
  readonly time: MachineTime
  readonly disk = new MemoryDisk()
  readonly traced: TracedEvent[] = []
  settings: MembershipSettings
  report = EMPTY_REPORT
  process: SimulatedProcess | undefined
  endpoint: SimulatedEndpoint | undefined
  /** Why it could not start. */
  failure: unknown
  private current: Membership | undefined
  private storage: MemoryStorage | undefined
  private readonly ring: VirtualRing

  constructor(ring: VirtualRing, settings: MembershipSettings) {
    this.ring = ring
    this.id = settings.id
    this.settings = settings
    this.time = new MachineTime({ loop: ring.loop }, { offsetMs: 0, driftPpm: 0 })
  }

  get up(): boolean {
    return this.current !== undefined
  }

  get membership(): Membership {
    if (this.current === undefined) throw new Error(`${this.id} is down`)
    return this.current
  }

  /** The layout that it goes by while it runs. */
  get layout(): Layout | undefined {
    return this.current?.layout()
  }

  boot(): void {
    const { loop, network, prng, place } = this.ring
    const process = new SimulatedProcess({
      loop,
      onThrow: (thrown) => {
        throw thrown
      },
    })
    const clock = new VirtualClock({ loop, machine: this.time, process })
    const endpoint = network.attach(process, this.id, this.settings.peerAddress)
    const random = new SeededRandom({ prng: prng.fork(this.id) })
    const trace = {
      enabled: () => true,
      event: (level: TraceLevel, event: string, fields: TraceFields = {}) => {
        this.traced.push({ level, event, fields })
      },
    }
    const visible = prng.chance(0.5) ? ('at-once' as const) : ('when-durable' as const)
    this.storage = new MemoryStorage(
      { disk: this.disk, clock, random },
      { fsyncMs: () => prng.exponential(this.ring.commitMs), readMs: () => 1, visible, shortPages: false },
    )
    const hybridClock = new HybridClock(clock, this.settings)
    hybridClock.raiseCeiling(Number.MAX_SAFE_INTEGER)
    const layouts = layoutSource(() => membership)
    const rpc = new PeerRpc({ clock, random, network: endpoint, trace, layouts })
    const { storage } = this
    const parts = { clock, random, network: endpoint, rpc, storage, trace, hybridClock, place }
    const membership = new Membership(parts, this.settings)
    membership.setReport(() => this.report)
    this.process = process
    this.endpoint = endpoint
    this.current = membership
    process.run(() => {
      membership.start().catch((error: unknown) => {
        this.failure = error
      })
    })
  }

  /** The process dies; with its machine, where `silently`: then its links hang for a while. */
  crash(silently = false): void {
    if (this.endpoint !== undefined) this.ring.network.detach(this.endpoint, silently)
    this.process?.die()
    this.storage?.crash()
    this.current = undefined
  }

  events(name: string): TracedEvent[] {
    return this.traced.filter(({ event }) => event === name)
  }
}

/** Nodes that run the membership code over the simulator's network, in virtual time. */
export class VirtualRing {
  readonly prng: Prng
  readonly loop: EventLoop
  readonly network: SimulatedNetwork
  readonly nodes: VirtualNode[] = []
  /** Slot tables cost more than all the rest of a run: nodes with one layout share one. */
  readonly place = (layout: Layout): SlotTable => {
    const { members, n, former } = layout
    const name = [members, former].map((nodes) => nodes.map(({ id }) => id).join()).join(` ${n} `)
    const table = this.tables.get(name) ?? SlotTable.build(members, n, former)
    this.tables.set(name, table)
    return table
  }
  private readonly tables = new Map<string, SlotTable>()
  /** Mean time of a commit. */
  commitMs = 5
  private faults = 0

  constructor(seed: number) {
    this.prng = new Prng(seed)
    this.loop = new EventLoop({ prng: this.prng.fork('loop') })
    this.network = new SimulatedNetwork({
      loop: this.loop,
      prng: this.prng.fork('network'),
      hash: new TraceHash(),
    })
  }

  add(id: string, change: Partial<MembershipSettings> = {}): VirtualNode {
    const node = new VirtualNode(this, {
      id,
      cluster: 'local',
      secret: Buffer.from('the secret'),
      zone: '',
      incarnation: `of-${id}`,
      peerAddress: { host: `10.0.0.${this.nodes.length + 1}`, port: 7201 },
      http: `http://${id}:7001`,
      bootstrapExpect: 3,
      n: 3,
      r: 2,
      w: 2,
      conflicts: 'lww',
      maxSkewMs: 60_000,
      ...change,
    })
    this.nodes.push(node)
    return node
  }

  /** `count` nodes n1, n2 ... that expect each other, all booted. */
  boot(count: number, change: Partial<MembershipSettings> = {}): VirtualNode[] {
    for (let index = 1; index <= count; index++) this.add(`n${index}`, { bootstrapExpect: count, ...change })
    for (const node of this.nodes) node.boot()
    return this.nodes
  }

  /** A ring of `count` nodes that has its layout, and where everyone reaches everyone. */
  async form(count: number): Promise<VirtualNode[]> {
    const nodes = this.boot(count)
    await this.until(() => nodes.every((node) => node.layout !== undefined && this.seesAll(node)))
    return nodes
  }

  seesAll(node: VirtualNode): boolean {
    return this.nodes.every(({ id }) => node.membership.reachable(id))
  }

  pass(ms: number): Promise<void> {
    return this.loop.run(this.loop.now + ms * 1000)
  }

  /** Runs until the condition holds. @returns the virtual milliseconds that took. */
  async until(condition: () => boolean, withinMs = 60_000): Promise<number> {
    const began = this.loop.now
    await this.loop.run(began + withinMs * 1000, condition)
    if (!condition()) throw new Error(`not within ${withinMs} virtual ms: ${condition}`)
    return (this.loop.now - began) / 1000
  }

  /** @returns the id by which the fault is healed. */
  fault(rule: Omit<FaultRule, 'id' | 'untilMs'>): string {
    const id = `f${++this.faults}`
    this.network.rules.add({ ...rule, id, untilMs: EPOCH_MS + this.loop.now / 1000 + 3_600_000 })
    return id
  }

  heal(id?: string): void {
    this.network.rules.heal(id)
  }
}
