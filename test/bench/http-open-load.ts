import net from 'node:net'
import { responseLength } from './http-load.ts'

export interface OpenLoadSettings {
  readonly host: string
  /** The connections go to these in turn. */
  readonly ports: readonly number[]
  readonly connections: number
  /** Requests that become due in a second, however long the answers take. */
  readonly perSecond: number
  /** The whole request of the i-th call, head and body. */
  readonly request: (i: number) => Buffer
}

export interface Answer {
  /** When the request was due, milliseconds from the begin of the load. */
  readonly dueMs: number
  /** From then until the whole answer was here. */
  readonly latencyMs: number
  readonly ok: boolean
}

interface Connection {
  readonly socket: net.Socket
  /** When the request that is under way was due; undefined while there is none. */
  due: number | undefined
  received: Buffer
}

/**
 * Requests at a fixed rate: one that is due while all connections are busy waits, and its latency counts from when
 * it was due. A load that waits for answers before it asks again leaves out just the requests that were held up
 * (coordinated omission).
 */
export class HttpOpenLoad {
  private readonly settings: OpenLoadSettings
  private readonly answers: Answer[] = []
  private readonly idle: Connection[] = []
  private readonly all: Connection[]
  private readonly beganMs = performance.now()
  private sent = 0
  private ending = false
  private ended: () => void = () => undefined
  private fail: (error: Error) => void = () => undefined
  private readonly end = new Promise<void>((resolve, reject) => {
    this.ended = resolve
    this.fail = reject
  })

  constructor(settings: OpenLoadSettings) {
    this.settings = settings
    // Told by `stop` as well, for whoever awaits only that.
    this.end.catch(() => undefined)
    const { host, ports, connections } = settings
    this.all = Array.from({ length: connections }, (_, i) =>
      this.connect(host, ports[i % ports.length] as number),
    )
    this.tick()
  }

  /** @returns the answers to all that was due until now. */
  async stop(): Promise<readonly Answer[]> {
    this.ending = true
    this.send()
    await this.end
    for (const { socket } of this.all) socket.destroy()
    return this.answers
  }

  private connect(host: string, port: number): Connection {
    const socket = net.connect({ host, port, noDelay: true })
    const connection: Connection = { socket, due: undefined, received: Buffer.alloc(0) }
    socket.on('connect', () => this.free(connection))
    socket.on('error', (error) => this.fail(error))
    socket.on('close', () => this.fail(new Error('a node has closed a connection')))
    socket.on('data', (chunk) => this.receive(connection, chunk))
    return connection
  }

  private tick(): void {
    if (this.ending) return
    this.send()
    setTimeout(() => this.tick(), 1)
  }

  private send(): void {
    const { perSecond, request } = this.settings
    while (this.idle.length > 0) {
      const due = this.beganMs + (this.sent * 1000) / perSecond
      if (this.ending || due > performance.now()) break
      const connection = this.idle.shift() as Connection
      connection.due = due
      connection.socket.write(request(this.sent++))
    }
    if (this.ending && this.all.every(({ due }) => due === undefined)) this.ended()
  }

  private free(connection: Connection): void {
    connection.due = undefined
    this.idle.push(connection)
    this.send()
  }

  private receive(connection: Connection, chunk: Buffer): void {
    connection.received = Buffer.concat([connection.received, chunk])
    const length = responseLength(connection.received)
    if (length === undefined || connection.received.length < length || connection.due === undefined) return
    const ok = connection.received[9] === 0x32
    connection.received = connection.received.subarray(length)
    const { due } = connection
    this.answers.push({ dueMs: due - this.beganMs, latencyMs: performance.now() - due, ok })
    this.free(connection)
  }
}
