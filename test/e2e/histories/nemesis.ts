import { closeSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import type { ScrubStatus } from '../../../shared/api.ts'
import { eventually } from '../../eventually.ts'
import type { Loss } from '../../simulation/evidence.ts'
import type { Prng } from '../../simulation/prng.ts'
import type { KvUser } from '../kv-user.ts'
import type { ProcessRing } from '../process-ring.ts'
import type { SmallDisk } from '../small-disk.ts'
import { micros } from './http-clients.ts'
import type { TrialNodes } from './trial-nodes.ts'

const MINUTE = 60_000
/** Less than this is left where a node is to stop taking writes, and nothing where it is to come to its end. */
const HARDLY_ANY = 8 * 1024 * 1024
const REPLACED = 'replaced disk'

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
  readonly losses: Loss[] = []
  /** Nodes that ended although nobody had ended them, and what they said. */
  readonly deaths: string[] = []
  /** How often each kind of fault was struck. */
  readonly struck = new Map<string, number>()
  private readonly components: NemesisComponents
  private readonly prng: Prng
  /** Nodes that something is being done to. */
  private readonly taken = new Set<string>()
  private readonly lanes: Promise<void>[] = []
  private running = true
  /** The node whose database has been damaged: one disk of a ring may be lost at a time, so one is lost in all. */
  private damaged: string | undefined

  constructor(components: NemesisComponents) {
    this.components = components
    this.prng = components.prng
  }

  start(): void {
    const { prng } = this
    this.lanes.push(this.lane(prng.fork('processes'), 800, (lane) => this.processFault(lane)))
    this.lanes.push(this.lane(prng.fork('more processes'), 2_000, (lane) => this.processFault(lane)))
    this.lanes.push(this.lane(prng.fork('network'), 1_000, (lane) => this.networkFault(lane)))
    if (this.components.switchesPolicy)
      this.lanes.push(this.lane(prng.fork('policy'), 2_500, (lane) => this.switchPolicy(lane)))
  }

  /** Ends all faults; every node runs after this. */
  async heal(): Promise<void> {
    this.running = false
    await Promise.all(this.lanes)
    await this.kv('chaos', 'heal')
    for (const id of this.components.nodes.ids) {
      const node = this.components.ring.node(id)
      if (!node.running && id !== this.damaged) this.deaths.push(`${id} ended by itself: ${node.stderr}`)
      await this.revive(id)
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
    const free = nodes.ids.filter((id) => !this.taken.has(id))
    const id = prng.pick(free)
    const faults: (() => Promise<void>)[] = [
      () => this.kill(id, prng),
      () => this.kill(id, prng),
      () => this.stop(id, prng),
      () => this.pause(id, prng),
      () => this.pause(id, prng),
    ]
    if (disk !== undefined && free.includes(nodes.onSmallDisk)) faults.push(() => this.fill(disk, prng))
    if (this.damaged === undefined && id !== nodes.onSmallDisk) faults.push(() => this.damage(id, prng))
    await prng.pick(faults)()
  }

  private async kill(id: string, prng: Prng): Promise<void> {
    await this.with(id, 'kill', async () => {
      await this.components.ring.node(id).end('SIGKILL')
      await sleep(prng.exponential(1_000))
      await this.components.nodes.start(id)
    })
  }

  private async stop(id: string, prng: Prng): Promise<void> {
    await this.with(id, 'stop', async () => {
      await this.components.ring.node(id).end('SIGTERM')
      await sleep(prng.exponential(1_000))
      await this.components.nodes.start(id)
    })
  }

  private async pause(id: string, prng: Prng): Promise<void> {
    await this.with(id, 'pause', async () => {
      const { child } = this.components.ring.node(id)
      child.kill('SIGSTOP')
      await sleep(prng.exponential(1_500))
      child.kill('SIGCONT')
    })
  }

  private async fill(disk: SmallDisk, prng: Prng): Promise<void> {
    const id = this.components.nodes.onSmallDisk
    await this.with(id, 'full disk', async () => {
      disk.fill(prng.chance(0.5) ? HARDLY_ANY : 0)
      await sleep(prng.between(1_000, 4_000))
      disk.makeRoom()
      // One that has met the end of the disk still answers what is under way, and ends.
      await eventually(
        `${id} to go on or to end`,
        async () => !this.components.ring.node(id).running || (await this.ready(id)),
        MINUTE,
      )
      await this.revive(id)
    })
  }

  private async ready(id: string): Promise<boolean> {
    try {
      return (await fetch(`${this.components.ring.endpoint(id)}/health/ready`)).ok
    } catch {
      return false
    }
  }

  /** Flips a few bytes of a file of the database, while no process has it open. */
  private async damage(id: string, prng: Prng): Promise<void> {
    this.damaged = id
    await this.with(id, 'damaged file', async () => {
      const { ring, nodes } = this.components
      await ring.node(id).end('SIGKILL')
      const since = micros()
      const directory = path.join(nodes.dataOf(id), 'db')
      const files = readdirSync(directory).filter((name) => /\.(?:ldb|log)$|^MANIFEST-/.test(name))
      const file = prng.pick(files.filter((name) => statSync(path.join(directory, name)).size > 0))
      flip(path.join(directory, file), prng)
      await sleep(prng.exponential(500))
      await this.revive(id)
      await this.scrub(id)
      // Where it has noticed nothing by now, what was flipped is in no record, or the log ends before it.
      this.losses.push({ from: since, until: micros(), unnoticed: !this.struck.has(REPLACED) })
    })
  }

  /** Reads all that it holds, which may be its end: then it is given an empty disk. */
  private async scrub(id: string): Promise<void> {
    const { ring } = this.components
    const status = async () => (await (await fetch(`${ring.endpoint(id)}/scrub`)).json()) as ScrubStatus
    try {
      const { passes } = await status()
      await eventually(
        'a scrub to be over',
        async () => {
          const now = await status()
          // While others are out of reach the command may come to nothing.
          if (now.passes === passes && now.state === 'idle') await this.kv('scrub', 'start', '--node', id)
          return now.passes > passes
        },
        MINUTE,
      )
    } catch (error) {
      if (ring.node(id).running) throw error
    }
    await this.revive(id)
  }

  /** Starts it where it has ended; with an empty disk where its own is damaged. */
  private async revive(id: string): Promise<void> {
    const { ring, nodes } = this.components
    if (ring.node(id).running) return
    try {
      await nodes.start(id)
    } catch (error) {
      if (!/is damaged/.test((error as Error).message)) throw error
      this.count(REPLACED)
      rmSync(nodes.dataOf(id), { recursive: true })
      nodes.newDisk(id)
      await nodes.start(id)
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
    this.count('policy')
    await this.kv('ring', 'policy', prng.pick(['lww', 'siblings']))
  }

  /** Through any node that runs; what it says does not matter: nodes may be out of reach. */
  private async kv(...argv: string[]): Promise<void> {
    const { user, ring } = this.components
    const endpoints = [...ring.http.values()].flatMap((http) => ['--endpoint', http])
    await user.kv([...argv, '--timeout', '3s', ...endpoints])
  }

  private async with(id: string, fault: string, strike: () => Promise<void>): Promise<void> {
    if (this.taken.has(id)) return
    this.taken.add(id)
    this.count(fault)
    try {
      await strike()
    } finally {
      this.taken.delete(id)
    }
  }

  private count(fault: string): void {
    this.struck.set(fault, (this.struck.get(fault) ?? 0) + 1)
  }
}

function flip(file: string, prng: Prng): void {
  const at = prng.below(statSync(file).size)
  const opened = openSync(file, 'r+')
  const bytes = Buffer.alloc(prng.between(1, 16))
  const read = readSync(opened, bytes, 0, bytes.length, at)
  for (let i = 0; i < read; i++) bytes[i] = (bytes[i] as number) ^ prng.between(1, 255)
  writeSync(opened, bytes, 0, read, at)
  closeSync(opened)
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
