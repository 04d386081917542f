import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '../../eventually.ts'
import type { Loss } from '../../simulation/evidence.ts'
import type { Prng } from '../../simulation/prng.ts'
import type { KvUser } from '../kv-user.ts'
import type { ProcessRing } from '../process-ring.ts'
import type { SmallDisk } from '../small-disk.ts'
import { DiskLoss } from './disk-loss.ts'
import type { TrialNodes } from './trial-nodes.ts'

const MINUTE = 60_000
/** Less than this is left where a node is to stop taking writes, and nothing where it is to come to its end. */
const HARDLY_ANY = 8 * 1024 * 1024

export interface NemesisComponents {
  readonly user: KvUser
  readonly ring: ProcessRing
  readonly nodes: TrialNodes
  readonly prng: Prng
  /** Under one of the nodes; undefined where this machine lets nobody mount any. */
  readonly disk: SmallDisk | undefined
  /** Whether readers are to be shown now this, now that of what is concurrent. */
  readonly switchesPolicy: boolean
}

/** Ends, halts, cuts off and damages nodes while clients are served, in several lanes at once; then puts all right. */
export class ProcessNemesis {
  /** Nodes that ended although nobody had ended them, and what they said. */
  readonly deaths: string[] = []
  /** How often each kind of fault was struck. */
  readonly struck = new Map<string, number>()
  private readonly components: NemesisComponents
  private readonly diskLoss: DiskLoss
  /** Nodes that something is being done to. */
  private readonly taken = new Set<string>()
  private readonly lanes: Promise<void>[] = []
  private running = true

  constructor(components: NemesisComponents) {
    this.components = components
    const { ring, nodes, user } = components
    const kv = (...argv: string[]) => this.kv(...argv)
    const count = (fault: string) => this.count(fault)
    this.diskLoss = new DiskLoss({ ring, nodes, kv, count, shelf: user.file('shelf') })
  }

  get losses(): readonly Loss[] {
    return this.diskLoss.losses
  }

  start(): void {
    const { prng, switchesPolicy } = this.components
    const open = (name: string, everyMs: number, strike: (prng: Prng) => Promise<void>) => {
      const lane = this.lane(prng.fork(name), everyMs, strike)
      // What goes wrong in it is told by `heal`.
      lane.catch(() => undefined)
      this.lanes.push(lane)
    }
    open('processes', 800, (lane) => this.processFault(lane))
    open('more processes', 2_000, (lane) => this.processFault(lane))
    open('network', 1_000, (lane) => this.networkFault(lane))
    if (switchesPolicy) open('policy', 2_500, (lane) => this.switchPolicy(lane))
  }

  /** Ends all faults; every node runs after this. */
  async heal(): Promise<void> {
    this.running = false
    await Promise.all(this.lanes)
    await this.kv('chaos', 'heal')
    for (const id of this.components.nodes.ids) {
      const node = this.components.ring.node(id)
      if (!node.running && id !== this.diskLoss.victim)
        this.deaths.push(`${id} ended by itself: ${node.stderr}`)
      await this.diskLoss.revive(id)
    }
  }

  private async lane(prng: Prng, everyMs: number, strike: (prng: Prng) => Promise<void>): Promise<void> {
    while (this.running) {
      await sleep(prng.exponential(everyMs))
      if (this.running) await strike(prng)
    }
  }

  private async processFault(prng: Prng): Promise<void> {
    const { nodes, disk } = this.components
    const { onSmallDisk } = nodes
    const free = nodes.ids.filter((id) => !this.taken.has(id))
    if (free.length === 0) return
    const id = prng.pick(free)
    const faults = [
      () => this.with([id], () => this.kill([id], prng)),
      () => this.with([id], () => this.kill([id], prng)),
      () => this.with([id], () => this.stop(id, prng)),
      () => this.with([id], () => this.pause(id, prng)),
      () => this.with([id], () => this.pause(id, prng)),
    ]
    if (free.length === nodes.ids.length) faults.push(() => this.with(free, () => this.kill(free, prng)))
    if (disk !== undefined && !this.taken.has(onSmallDisk))
      faults.push(() => this.with([onSmallDisk], () => this.fill(disk, prng)))
    if (this.diskLoss.victim === undefined && (disk === undefined || id !== onSmallDisk))
      faults.push(() => this.with([id], () => this.diskLoss.strike(id, prng)))
    await prng.pick(faults)()
  }

  /** One node, or all of them at once. */
  private async kill(ids: readonly string[], prng: Prng): Promise<void> {
    const { ring, nodes } = this.components
    this.count(ids.length > 1 ? 'kill all' : 'kill')
    await Promise.all(ids.map((id) => ring.node(id).end('SIGKILL')))
    await sleep(prng.exponential(1_000))
    await Promise.all(ids.map((id) => nodes.start(id)))
  }

  private async stop(id: string, prng: Prng): Promise<void> {
    this.count('stop')
    await this.components.ring.node(id).end('SIGTERM')
    await sleep(prng.exponential(1_000))
    await this.components.nodes.start(id)
  }

  private async pause(id: string, prng: Prng): Promise<void> {
    this.count('pause')
    const { child } = this.components.ring.node(id)
    child.kill('SIGSTOP')
    await sleep(prng.exponential(1_500))
    child.kill('SIGCONT')
  }

  private async fill(disk: SmallDisk, prng: Prng): Promise<void> {
    this.count('full disk')
    const { ring, nodes } = this.components
    const id = nodes.onSmallDisk
    disk.fill(prng.chance(0.5) ? HARDLY_ANY : 0)
    await sleep(prng.between(1_000, 4_000))
    disk.makeRoom()
    // One that has met the end of the disk still answers what is under way, and ends.
    const settled = async () => !ring.node(id).running || (await this.ready(id))
    await eventually(`${id} to go on or to end`, settled, MINUTE)
    await this.diskLoss.revive(id)
  }

  private async ready(id: string): Promise<boolean> {
    try {
      return (await fetch(`${this.components.ring.endpoint(id)}/health/ready`)).ok
    } catch {
      return false
    }
  }

  private async networkFault(prng: Prng): Promise<void> {
    const ids = prng.shuffle(this.components.nodes.ids)
    const side = ids.slice(0, prng.between(1, 2)).join()
    const [from, to] = ids as [string, string]
    const faults = [
      ['chaos', 'partition', side],
      ['chaos', 'partition', side, '--one-way'],
      ['chaos', 'partition', side, ids.slice(2, 4).join()],
      ['chaos', 'link', from, to, '--loss', '40%', '--duplicate', '20%', '--reorder', '20%'],
      ['chaos', 'link', from, to, '--latency', '300ms', '--jitter', '200ms'],
    ]
    const fault = prng.pick(faults)
    this.count(fault.slice(0, 2).join(' '))
    await this.kv(...fault, '--for', '1m')
    await sleep(prng.exponential(2_000))
    await this.kv('chaos', 'heal')
  }

  private async switchPolicy(prng: Prng): Promise<void> {
    this.count('ring policy')
    await this.kv('ring', 'policy', prng.pick(['lww', 'siblings']))
  }

  /** Through any node that runs; what it says does not matter: nodes may be out of reach. */
  private async kv(...argv: string[]): Promise<void> {
    const { user, ring } = this.components
    const endpoints = [...ring.http.values()].flatMap((http) => ['--endpoint', http])
    await user.kv([...argv, '--timeout', '3s', ...endpoints])
  }

  /** Nothing else is done to these nodes meanwhile. */
  private async with(ids: readonly string[], strike: () => Promise<void>): Promise<void> {
    for (const id of ids) this.taken.add(id)
    try {
      await strike()
    } finally {
      for (const id of ids) this.taken.delete(id)
    }
  }

  private count(fault: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1)
  }
}
