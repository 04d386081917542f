import net from 'node:net'

export interface LoadSettings {
  readonly host: string
  /** The connections go to these in turn. */
  readonly ports: readonly number[]
  readonly connections: number
  /** It ends after so long, or once so many requests were answered; either may be left out. */
  readonly milliseconds?: number
  readonly requests?: number
  /** The whole request of the i-th call, head and body. */
  readonly request: (i: number) => Buffer
}

export interface LoadResult {
  readonly requests: number
  readonly failures: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * As many requests as the server answers, one at a time on each of some kept connections. Raw sockets: a client
 * library costs more than the server under test.
 */
export async function httpLoad(settings: LoadSettings): Promise<LoadResult> {
  const latencies: number[] = []
  let failures = 0
  let sent = 0
  const began = performance.now()
  const until = began + (settings.milliseconds ?? Number.POSITIVE_INFINITY)
  const most = settings.requests ?? Number.POSITIVE_INFINITY
  await Promise.all(
    Array.from({ length: settings.connections }, (_, i) => {
      const port = settings.ports[i % settings.ports.length] as number
      return new Promise<void>((resolve, reject) => {
        const socket = net.connect({ host: settings.host, port, noDelay: true })
        let started = 0
        let received: Buffer = Buffer.alloc(0)
        const next = (): void => {
          if (sent >= most || performance.now() >= until) return void socket.end(resolve)
          started = performance.now()
          socket.write(settings.request(sent++))
        }
        socket.on('connect', next)
        socket.on('error', reject)
        socket.on('data', (chunk) => {
          received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
          const length = responseLength(received)
          if (length === undefined || received.length < length) return
          if (received[9] !== 0x32) failures++
          received = received.subarray(length)
          latencies.push(performance.now() - started)
          next()
        })
      })
    }),
  )
  const seconds = (performance.now() - began) / 1000
  latencies.sort((a, b) => a - b)
  const quantile = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? 0
  return {
    requests: latencies.length,
    failures,
    perSecond: Math.round(latencies.length / seconds),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  }
}

/** Head and body; undefined while the head is not complete. Only answers with a Content-Length are understood. */
export function responseLength(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return undefined
  const head = bytes.toString('latin1', 0, end)
  const at = head.search(/content-length: /i)
  return end + 4 + (at < 0 ? 0 : Number.parseInt(head.slice(at + 16), 10))
}

/** The bytes of a request that keeps its connection. */
export function requestBytes(method: string, path: string, body?: Buffer): Buffer {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}
