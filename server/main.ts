import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { pino } from 'pino'
import pjson from '../package.json' with { type: 'json' }
import type { NodeConfig } from '../shared/config.ts'
import { parseNodeArguments } from '../shared/config-arguments.ts'
import { isLoopback } from '../shared/config-resolve.ts'
import { KvError, toKvError } from '../shared/errors.ts'
import { CryptoRandom } from './adapters/crypto-random.ts'
import { type DataDirectory, openDataDirectory } from './adapters/data-directory.ts'
import { DirectoryWatch } from './adapters/directory-watch.ts'
import { LogTrace } from './adapters/log-trace.ts'
import { type MachineConfig, readMachineConfig } from './adapters/machine-config.ts'
import { ProcessMetrics } from './adapters/process-metrics.ts'
import { SystemClock } from './adapters/system-clock.ts'
import { TcpNetwork } from './adapters/tcp-network.ts'
import { UdpBroadcast } from './adapters/udp-broadcast.ts'
import { loopbackNames } from './api/browser-guard.ts'
import { API_TIMEOUTS } from './api/context.ts'
import { HttpApi } from './api/http-api.ts'
import { RingNode } from './node.ts'
import type { Address } from './ports/network.ts'

/** How long a stop may take before whoever is left is cut off. */
const DRAIN_MS = 10_000
/** A disk that failed: only what is under way is still answered. */
const FAILED_DRAIN_MS = 2_000
const HEALTH_EVERY_MS = 250
const LOG_LINES_PER_SECOND = 20
/** Log lines that wait for a slow reader; more are dropped rather than kept in memory. */
const LOG_BUFFER_BYTES = 1024 * 1024

const destination = pino.destination({ fd: 2, sync: false, maxLength: LOG_BUFFER_BYTES })
// Whoever read the log or the first line may be gone: that is no reason to stop.
destination.on('error', () => undefined)
process.stdout.on('error', () => undefined)

function fail(thrown: unknown, json: boolean): never {
  const error = toKvError(thrown)
  destination.write(`kv: ${error.message}${error.hint && `\n  ${error.hint}`}\n`)
  if (error.code === 'internal') destination.write(`${(thrown as Error).stack}\n`)
  flush()
  if (json) printLine(JSON.stringify(error.toBody()))
  process.exit(error.kind.exit)
}

/** At once, for the process is about to end. */
function printLine(text: string): void {
  try {
    writeSync(1, `${text}\n`)
  } catch {
    // Nobody reads it.
  }
}

function flush(): void {
  try {
    destination.flushSync()
  } catch {
    // Nobody reads it.
  }
}

async function serve({ config, secret }: MachineConfig): Promise<void> {
  const { id, cluster } = config
  const clock = new SystemClock()
  const logging = {
    node: id,
    level: config.logLevel,
    format: config.logFormat,
    linesPerSecond: LOG_LINES_PER_SECOND,
  }
  const trace = new LogTrace({ clock, destination }, logging)
  const { data: path, durability, minFreeBytes } = config
  const directory = await openDataDirectory({ path, cluster, id, durability, minFreeBytes })
  try {
    await serveFrom(directory, config, { secret, clock, trace })
  } catch (error) {
    await directory.close()
    throw error
  }
}

interface Ground {
  /** Empty where there is none. */
  readonly secret: Buffer
  readonly clock: SystemClock
  readonly trace: LogTrace
}

async function serveFrom(directory: DataDirectory, config: NodeConfig, ground: Ground): Promise<void> {
  const { secret, clock, trace } = ground
  const { id, cluster, host } = config
  const { storage, incarnation } = directory
  const random = new CryptoRandom()
  if (directory.copied) trace.event('warn', 'directory.copied', { path: config.data, incarnation })

  const broadcast =
    secret.length > 0 && config.discoveryPort > 0 ? await openBroadcast(config, { clock, trace }) : undefined
  const network = await TcpNetwork.listen(
    { clock, random, trace, broadcast },
    { id, cluster, incarnation, secret, host, port: config.peerPort },
  )
  let node: RingNode | undefined
  const current = (): RingNode => {
    if (node !== undefined) return node
    throw new KvError('not_ready', 'the node is starting', 'try again')
  }
  const metrics = new ProcessMetrics()
  const api = new HttpApi(
    { node: current, clock, trace, processMetrics: () => metrics.text() },
    {
      id,
      cluster,
      // Alone, contexts need only hold as long as the process.
      secret: secret.length > 0 ? secret : randomBytes(32),
      version: pjson.version,
      hostNames: isLoopback(host) ? loopbackNames([config.advertiseHost, ...config.allowedHosts]) : undefined,
      maxValueBytes: config.maxValueBytes,
      maxConnections: config.maxHttpConnections,
      maxHeaderBytes: config.maxHeaderBytes,
      chaos: config.chaos,
      timeouts: API_TIMEOUTS,
    },
  )
  const httpPort = await api.listen(host, config.httpPort)
  const http = `http://${config.advertiseHost.includes(':') ? `[${config.advertiseHost}]` : config.advertiseHost}:${httpPort}`
  const peerAddress = { host: config.advertiseHost, port: network.address.port }
  const ring = new RingNode(
    { clock, random, network, storage, trace },
    { ...config, secret, incarnation, peerAddress, http },
  )
  await ring.start()
  node = ring

  const stop = stopper({ api, node: ring, network, directory, trace })
  process.on('SIGTERM', () => stop(0, DRAIN_MS))
  process.on('SIGINT', () => stop(0, DRAIN_MS))
  watchHealth({ node: ring, network, trace, path: config.data, stop })
  trace.event('info', 'node.listening', {
    http,
    peer: `${peerAddress.host}:${peerAddress.port}`,
    version: pjson.version,
  })
  const line = {
    event: 'listening',
    id,
    http,
    peer: `${peerAddress.host}:${peerAddress.port}`,
    pid: process.pid,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function seedAddress(seed: string): Address {
  const colon = seed.lastIndexOf(':')
  return { host: seed.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(seed.slice(colon + 1)) }
}

function openBroadcast(
  config: NodeConfig,
  components: { clock: SystemClock; trace: LogTrace },
): Promise<UdpBroadcast> {
  return UdpBroadcast.open(components, {
    host: config.host,
    port: config.discoveryPort,
    broadcast: config.discoveryBroadcast,
    multicast: config.discoveryMulticast,
    seeds: config.discoverySeeds.map(seedAddress),
  })
}

interface Running {
  readonly api: HttpApi
  readonly node: RingNode
  readonly network: TcpNetwork
  readonly directory: DataDirectory
  readonly trace: LogTrace
}

type Stop = (exitCode: number, drainMs: number) => void

/** Refuses new requests, answers those under way, and exits: with `exitCode`, or 1 where that takes too long. */
function stopper({ api, node, network, directory, trace }: Running): Stop {
  let stopping = false
  const drain = async (): Promise<void> => {
    await Promise.all([api.close(), node.stop()])
    await network.close()
    await directory.close()
  }
  const exit = (code: number): void => {
    flush()
    process.exit(code)
  }
  return (exitCode, drainMs) => {
    if (stopping) return
    stopping = true
    trace.event('info', 'node.stopping', { drainMs })
    const cutOff = setTimeout(() => {
      trace.event('warn', 'node.cut_off', { drainMs })
      exit(Math.max(exitCode, 1))
    }, drainMs)
    const impatience = setTimeout(() => api.abort(), drainMs * 0.8)
    drain().then(
      () => {
        clearTimeout(cutOff)
        clearTimeout(impatience)
        trace.event('info', 'node.stopped')
        exit(exitCode)
      },
      (error: unknown) => {
        trace.event('error', 'node.stop_failed', { message: toKvError(error).message })
        exit(1)
      },
    )
  }
}

/**
 * A node that cannot tell what is on its disk must not go on: after a restart it knows. Nor must one whose
 * directory is gone, for what it acknowledges then is lost with the process; nor one that the ring will not have.
 */
function watchHealth({
  node,
  network,
  trace,
  path,
  stop,
}: {
  node: RingNode
  network: TcpNetwork
  trace: LogTrace
  path: string
  stop: Stop
}): void {
  const watch = new DirectoryWatch(path)
  setInterval(() => {
    const exclusion = network.excluded()
    const failure = node.failure()
    if (failure !== undefined) {
      trace.event('error', 'node.failed', { reason: failure.message, hint: failure.hint })
      stop(failure.kind.exit, FAILED_DRAIN_MS)
    } else if (!watch.present()) {
      trace.event('error', 'directory.gone', { path })
      flush()
      process.exit(1)
    } else if (exclusion !== undefined) {
      trace.event('error', 'node.excluded', { reason: exclusion.message, hint: exclusion.hint })
      stop(exclusion.kind.exit, FAILED_DRAIN_MS)
    }
  }, HEALTH_EVERY_MS)
}

function crash(kind: string, thrown: unknown): void {
  const { message, stack = '' } = thrown instanceof Error ? thrown : new Error(String(thrown))
  destination.write(`${JSON.stringify({ level: 'error', event: kind, message, stack })}\n`)
  flush()
  process.exit(1)
}

process.on('uncaughtException', (error) => crash('node.crashed', error))
process.on('unhandledRejection', (error) => crash('node.crashed', error))

const json = process.argv.includes('--json')
try {
  await serve(await readMachineConfig(parseNodeArguments(process.argv.slice(2)), process.env))
} catch (error) {
  fail(error, json)
}
