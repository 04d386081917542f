import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

export interface NodeRingSettings {
  readonly count: number
  /** The bundled server. */
  readonly server: string
  /** Flags of Node.js itself. */
  readonly nodeFlags: readonly string[]
  /** Flags of the server. */
  readonly serverFlags: readonly string[]
}

const READY_MS = 30_000
const POLL_MS = 50
const STOP_MS = 15_000

/** A ring of server processes on loopback, with their data in a temporary directory. */
export class NodeRing {
  readonly ports: number[]
  private readonly children: ChildProcess[]
  private readonly directory: string
  private readonly spawnNode: (index: number) => ChildProcess

  private constructor(
    children: ChildProcess[],
    ports: number[],
    directory: string,
    spawnNode: (index: number) => ChildProcess,
  ) {
    this.children = children
    this.ports = ports
    this.directory = directory
    this.spawnNode = spawnNode
  }

  /** Resolves when every node serves clients. */
  static async start({ count, server, nodeFlags, serverFlags }: NodeRingSettings): Promise<NodeRing> {
    const directory = await mkdtemp(path.join(tmpdir(), 'kvring-bench-'))
    const discoveryPort = await freeUdpPort()
    const spawnNode = (index: number) => {
      const id = `n${index + 1}`
      const flags = ['--id', id, '--cluster', 'bench', '--data', path.join(directory, id)]
      flags.push('--http-port', '0', '--peer-port', '0', '--discovery-port', String(discoveryPort))
      flags.push('--bootstrap-expect', String(count), '--json', ...serverFlags)
      return spawn(process.execPath, [...nodeFlags, server, ...flags], {
        // Nothing of the user's settings.
        env: { KV_HOME: directory, KV_CLUSTER_SECRET: 'a secret for the benchmark alone' },
        stdio: ['ignore', 'pipe', 'ignore'],
      })
    }
    const children = Array.from({ length: count }, (_, index) => spawnNode(index))
    // However this process ends, it leaves no nodes behind.
    process.once('exit', () => {
      for (const child of children) child.kill('SIGKILL')
    })
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
    try {
      const ports = await Promise.all(children.map(listening))
      await Promise.all(ports.map(ready))
      return new NodeRing(children, ports, directory, spawnNode)
    } catch (error) {
      await stop(children, directory)
      throw error
    }
  }

  /** CPU time that all nodes have used since their start, microseconds, with all their threads. */
  async cpuMicroseconds(): Promise<number> {
    const seconds = await Promise.all(this.ports.map((port) => metric(port, 'process_cpu_seconds_total')))
    return seconds.reduce((sum, each) => sum + each, 0) * 1e6
  }

  /** The sum over all nodes of one of their metrics. */
  async total(name: string): Promise<number> {
    const values = await Promise.all(this.ports.map((port) => metric(port, name)))
    return values.reduce((sum, each) => sum + each, 0)
  }

  /** Keys of which a node holds a copy. */
  held(port: number): Promise<number> {
    return metric(port, 'kvring_keys')
  }

  /** The longest that a node's event loop has stood still since this was last asked of the node, milliseconds. */
  async longestStall(port: number): Promise<number> {
    return (await metric(port, 'nodejs_eventloop_lag_max_seconds')) * 1000
  }

  /** Ends the last node as `kill -9` does. */
  async killLast(): Promise<void> {
    const child = this.children.at(-1) as ChildProcess
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** Starts the last node again. @returns milliseconds from then until it serves. */
  async startLast(): Promise<number> {
    const index = this.children.length - 1
    const began = performance.now()
    const again = this.spawnNode(index)
    this.children[index] = again
    const port = await listening(again)
    this.ports[index] = port
    await ready(port)
    return performance.now() - began
  }

  stop(): Promise<void> {
    return stop(this.children, this.directory)
  }
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

/** The HTTP port, from the first line that the node prints. */
async function listening(child: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    return Number(new URL((JSON.parse(line) as { http: string }).http).port)
  }
  throw new Error('a node ended before it served')
}

async function ready(port: number): Promise<void> {
  const untilMs = performance.now() + READY_MS
  while (performance.now() < untilMs) {
    const { status } = await fetch(`http://127.0.0.1:${port}/health/ready`)
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  throw new Error(`the ring was not formed within ${READY_MS} ms`)
}

async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const value = new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`there is no metric ${name}`)
  return Number(value)
}

async function stop(children: readonly ChildProcess[], directory: string): Promise<void> {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const cutOff = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await gone
      clearTimeout(cutOff)
    }),
  )
  await rm(directory, { recursive: true, force: true })
}
