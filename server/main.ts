import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { homedir, hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import pjson from '../package.json' with { type: 'json' }
import { MIN_SECRET_BYTES, type NodeConfig, SECRET_VARIABLE, SETTINGS } from '../shared/config.ts'
import { parseNodeArguments } from '../shared/config-arguments.ts'
import { parseConfigFile } from '../shared/config-file.ts'
import { isLoopback, type ResolvedConfig, resolveConfig } from '../shared/config-resolve.ts'
import { KvError, toKvError } from '../shared/errors.ts'
import { CryptoRandom } from './adapters/crypto-random.ts'
import { type DataDirectory, openDataDirectory } from './adapters/data-directory.ts'
import { DirectoryWatch } from './adapters/directory-watch.ts'
import { LogTrace } from './adapters/log-trace.ts'
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
  const text = json
    ? JSON.stringify(error.toBody())
    : `kv: ${error.message}${error.hint && `\n  ${error.hint}`}`
  destination.write(`${text}\n`)
  if (error.code === 'internal' && !json) destination.write(`${(thrown as Error).stack}\n`)
  flush()
  process.exit(error.kind.exit)
}

function flush(): void {
  try {
    destination.flushSync()
  } catch {
    // Nobody reads it.
  }
}

async function configure(argv: ReturnType<typeof parseNodeArguments>): Promise<ResolvedConfig> {
  const { flags, configFile = process.env.KV_CONFIG } = argv
  const file =
    configFile === undefined
      ? new Map()
      : await parseConfigFile(configFile, readText(configFile, 'the config file'), SETTINGS)
  const home = process.env.KV_HOME || join(homedir(), '.kvring')
  const machine = { hostName: hostname(), home, address: ownAddress() }
  return resolveConfig({ flags, env: process.env, file, machine })
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new KvError(
      'usage',
      `${what} cannot be read: ${(error as Error).message}`,
      'check its path and its permissions',
    )
  }
}

function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
}

/** Empty where there is none: then no peer is accepted and no beacon believed. */
function readSecret(source: ResolvedConfig['secret']): Buffer {
  if (source.from === 'none') return Buffer.alloc(0)
  const text =
    source.from === 'file' ? readText(source.path, 'the secret file') : (process.env[SECRET_VARIABLE] ?? '')
  const secret = Buffer.from(text.trim(), 'utf8')
  if (secret.length >= MIN_SECRET_BYTES) return secret
  const where = source.from === 'file' ? source.path : SECRET_VARIABLE
  throw new KvError(
    'usage',
    `the cluster secret in ${where} has under ${MIN_SECRET_BYTES} bytes`,
    'make one: openssl rand -hex 32',
  )
}

function seedAddress(seed: string): Address {
  const colon = seed.lastIndexOf(':')
  return { host: seed.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(seed.slice(colon + 1)) }
}

async function serve({ config, secret: source }: ResolvedConfig): Promise<void> {
  const secret = readSecret(source)
  const { id, cluster, host } = config
  const clock = new SystemClock()
  const random = new CryptoRandom()
  const logging = {
    node: id,
    level: config.logLevel,
    format: config.logFormat,
    linesPerSecond: LOG_LINES_PER_SECOND,
  }
  const trace = new LogTrace({ clock, destination }, logging)
  const directory = await openDataDirectory({ path: config.data, cluster, id, durability: config.durability })
  const { storage, incarnation } = directory
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
  watchHealth({ node: ring, trace, path: config.data, stop })
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
 * directory is gone, for what it acknowledges then is lost with the process.
 */
function watchHealth({
  node,
  trace,
  path,
  stop,
}: {
  node: RingNode
  trace: LogTrace
  path: string
  stop: Stop
}): void {
  const watch = new DirectoryWatch(path)
  setInterval(() => {
    if (!node.healthy()) {
      trace.event('error', 'node.failed', { reason: node.readiness().reason })
      stop(1, FAILED_DRAIN_MS)
    } else if (!watch.present()) {
      trace.event('error', 'directory.gone', { path })
      flush()
      process.exit(1)
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
  await serve(await configure(parseNodeArguments(process.argv.slice(2))))
} catch (error) {
  fail(error, json)
}
