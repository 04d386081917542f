import { BareServer } from './bare-server.ts'
import { httpLoad, type LoadResult, requestBytes } from './http-load.ts'
import type { NodeRing } from './node-ring.ts'
import { print } from './table.ts'

export interface HttpRounds {
  readonly rounds: number
  readonly seconds: number
}

const CONNECTIONS = 64
const KEYS = 1_000
const VALUE = Buffer.alloc(100, 'v')
/** What a process serves before V8 has compiled what it needs most. */
const COLD_REQUESTS = 3_000

interface Target {
  readonly ports: readonly number[]
  cpuMicroseconds(): Promise<number>
}

interface Load {
  readonly name: string
  readonly target: Target
  readonly request: (i: number) => Buffer
  readonly results: { result: LoadResult; cpu: number }[]
}

/** Requests of one kind, made beforehand. */
function requests(method: string, query: string, body?: Buffer): (i: number) => Buffer {
  const all = Array.from({ length: KEYS }, (_, i) => requestBytes(method, `/kv/key-${i}${query}`, body))
  return (i) => all[(i * 7919) % KEYS] as Buffer
}

async function measure(load: Load, bound: { milliseconds: number } | { requests: number }): Promise<void> {
  const { target, request } = load
  const before = await target.cpuMicroseconds()
  const settings = { host: '127.0.0.1', ports: target.ports, connections: CONNECTIONS, request }
  const result = await httpLoad({ ...settings, ...bound })
  load.results.push({ result, cpu: (await target.cpuMicroseconds()) - before })
}

function report(load: Load, bareRate?: number): void {
  const { name, results } = load
  const sum = (of: (each: LoadResult) => number) => results.reduce((all, { result }) => all + of(result), 0)
  const rate = rateOf(load)
  const cpu = results.reduce((all, each) => all + each.cpu, 0) / sum((each) => each.requests)
  const mean = (of: (each: LoadResult) => number) => (sum(of) / results.length).toFixed(1)
  const ratio = bareRate === undefined ? '' : (rate / bareRate).toFixed(2)
  const latencies = [mean((each) => each.p50Ms), mean((each) => each.p99Ms)]
  const failures = String(sum((each) => each.failures))
  print([name, Math.round(rate).toString(), ratio, ...latencies, cpu.toFixed(0), failures])
}

function rateOf({ results }: Load): number {
  return results.reduce((sum, { result }) => sum + result.perSecond, 0) / results.length
}

/**
 * Requests over HTTP to a ring that has served none, beside a bare fastify server: the first ones by themselves,
 * then, warm, every kind in each round, so that what else the machine does falls on all of them.
 */
export async function measureHttp(ring: NodeRing, { rounds, seconds }: HttpRounds): Promise<void> {
  const bareServer = await BareServer.start()
  try {
    const bare: Target = {
      ports: [bareServer.port],
      cpuMicroseconds: () => bareServer.cpuMicroseconds(),
    }
    const put = requests('PUT', '?w=2', VALUE)
    const barePut = {
      name: 'bare fastify PUT',
      target: bare,
      request: requests('PUT', '', VALUE),
      results: [],
    }
    const bareGet = { name: 'bare fastify GET', target: bare, request: requests('GET', ''), results: [] }
    const loads: (Load & { bare: Load })[] = [
      { ...barePut, bare: barePut },
      { ...bareGet, bare: bareGet },
      { name: 'PUT W=2', target: ring, request: put, results: [], bare: barePut },
      { name: 'GET R=2', target: ring, request: requests('GET', '?r=2'), results: [], bare: bareGet },
      { name: 'GET R=1', target: ring, request: requests('GET', '?r=1'), results: [], bare: bareGet },
    ]
    print(['', 'a second', 'of bare', 'p50 ms', 'p99 ms', 'us CPU each', 'failures'])
    // These also write every key, so that no read is of one that is not there.
    const cold: Load = {
      name: `PUT W=2, the first ${COLD_REQUESTS}`,
      target: ring,
      request: put,
      results: [],
    }
    await measure(cold, { requests: COLD_REQUESTS })
    report(cold)
    for (const load of loads) await measure(load, { milliseconds: seconds * 1000 })
    for (const load of loads) load.results.length = 0
    for (let round = 0; round < rounds; round++)
      for (const load of loads) await measure(load, { milliseconds: seconds * 1000 })
    for (const load of loads) report(load, rateOf(load.bare))
  } finally {
    await bareServer.stop()
  }
}
