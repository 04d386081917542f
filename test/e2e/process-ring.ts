import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { RingStatus } from '../../shared/api.ts'
import { eventually } from '../eventually.ts'
import type { KvUser } from './kv-user.ts'

const SERVER = path.join(import.meta.dirname, '../../dist/server/main.js')
const MINUTE = 60_000

/** Of all rings that tests put together from processes. */
export const SECRET = 'a secret of this test'

export interface ProcessSettings {
  /** Flags beyond those that every node of the ring has. */
  readonly flags?: readonly string[]
  /** What runs the node, as `nsenter` does; directly where absent. */
  readonly through?: readonly string[]
  readonly data?: string
  /** Beyond what every node has. */
  readonly env?: NodeJS.ProcessEnv
}

/** A node's process, with all that it says. */
export class NodeProcess {
  stderr = ''
  readonly child: ChildProcess
  /** It has ended, and all that it said has been read: what is written last comes after the exit at times. */
  private readonly closed: Promise<unknown>

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv) {
    const [program = '', ...rest] = argv
    this.child = spawn(program, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.closed = new Promise((resolve) => this.child.once('close', resolve))
    this.child.stderr?.on('data', (chunk) => {
      this.stderr += chunk
    })
  }

  /** What it prints first: where it listens, or why it does not. */
  async firstLine(): Promise<{ http?: string; error?: { code: string; message: string; hint: string } }> {
    for await (const line of createInterface({ input: this.child.stdout as NodeJS.ReadableStream }))
      return JSON.parse(line)
    throw new Error(`it ended before it said anything: ${this.stderr}`)
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal)
    return this.ended()
  }

  /** Its exit code; null where a signal has ended it. */
  async ended(): Promise<number | null> {
    await this.closed
    return this.child.exitCode
  }
}

/** A ring whose processes the test starts and ends itself, with flags that `kv up` does not have. */
export class ProcessRing {
  readonly nodes = new Map<string, NodeProcess>()
  readonly http = new Map<string, string>()
  private readonly user: KvUser
  private readonly ids: readonly string[]
  private readonly flags: readonly string[]
  private discoveryPort = 0

  constructor(components: { user: KvUser }, settings: { ids: readonly string[]; flags?: readonly string[] }) {
    this.user = components.user
    this.ids = settings.ids
    this.flags = settings.flags ?? []
  }

  /** Starts all of them, those that are named in `settings` with those, and waits until the ring is whole. */
  async start(settings: Readonly<Record<string, ProcessSettings>> = {}): Promise<void> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    this.discoveryPort = socket.address().port
    socket.close()
    await Promise.all(this.ids.map((id) => this.startNode(id, settings[id])))
    await this.untilWhole()
  }

  /** Starts the process; it may not come to listen. */
  spawn(id: string, { flags = [], through = [], data, env = {} }: ProcessSettings = {}): NodeProcess {
    const argv = [
      ...['--id', id, '--cluster', 'processes', '--data', data ?? this.user.file(id)],
      ...['--bootstrap-expect', String(this.ids.length), '--http-port', '0', '--peer-port', '0'],
      ...['--discovery-port', String(this.discoveryPort), '--json', ...this.flags, ...flags],
    ]
    const base = { PATH: process.env.PATH, KV_HOME: this.user.home, KV_CLUSTER_SECRET: SECRET }
    return new NodeProcess([...through, process.execPath, SERVER, ...argv], { ...base, ...env })
  }

  /** @throws Error where it does not come to listen. */
  async startNode(id: string, settings?: ProcessSettings): Promise<void> {
    const node = this.spawn(id, settings)
    this.nodes.set(id, node)
    const { http, error } = await node.firstLine()
    if (http === undefined) throw new Error(`${id} did not start: ${error?.message}`)
    this.http.set(id, http)
  }

  node(id: string): NodeProcess {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`${id} was not started`)
    return node
  }

  endpoint(id: string): string {
    return this.http.get(id) ?? ''
  }

  /** Until every node sees all of them up, and nothing wrong. */
  untilWhole(deadlineMs = MINUTE): Promise<void> {
    return eventually(
      'every node to be up and nothing to be wrong, as each of them sees it',
      async () => {
        for (const http of this.http.values()) {
          const status = (await (await fetch(`${http}/ring`)).json()) as RingStatus
          if (status.health !== 'ok' || status.nodes.length < this.ids.length) return false
        }
        return true
      },
      deadlineMs,
    )
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.nodes.values()].map((node) => node.end('SIGKILL')))
  }
}
