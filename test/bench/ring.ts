import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { BareServer } from './bare-server.ts'
import { httpLoad, type LoadResult, requestBytes } from './http-load.ts'
import { kvImport, realSources, type Source } from './kv-import.ts'
import { NodeRing } from './node-ring.ts'

/**
 * A ring of five server processes under load, beside a bare fastify server in the same run and with the same client:
 *
 *     npm run bench -- [--quick] [--rounds 3] [--seconds 2] [--records 40000] [--only import|http]
 *         [--node-flags "..."] [--server FILE]
 *
 * Wall-clock rates depend on what else the machine does; CPU time per operation hardly does, so compare that, and
 * the ratios, which are of one run. The nodes, the bare server and the client share the processors.
 */
const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    records: { type: 'string' },
    only: { type: 'string' },
    'node-flags': { type: 'string', default: '' },
    server: { type: 'string', default: path.join(import.meta.dirname, '../../dist/server/main.js') },
  },
})
const ROUNDS = Number(flags.rounds ?? (flags.quick ? 1 : 3))
const SECONDS = Number(flags.seconds ?? (flags.quick ? 1 : 2))
const RECORDS = Number(flags.records ?? (flags.quick ? 10_000 : 40_000))
const NODES = 5
const CONNECTIONS = 64
const KEYS = 1_000
const VALUE = Buffer.alloc(100, 'v')

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

/** Writes every key once, so that no read is of one that is not there. */
async function fill(ports: readonly number[]): Promise<void> {
  let next = 0
  const writer = async (port: number) => {
    for (let i = next++; i < KEYS; i = next++) {
      const { status } = await fetch(`http://127.0.0.1:${port}/kv/key-${i}`, { method: 'PUT', body: VALUE })
      if (status !== 200) throw new Error(`PUT answered ${status}`)
    }
  }
  await Promise.all([...ports, ...ports].map(writer))
}

async function measure(load: Load, seconds: number): Promise<void> {
  const { target, request } = load
  const before = await target.cpuMicroseconds()
  const settings = { host: '127.0.0.1', ports: target.ports, connections: CONNECTIONS, request }
  const result = await httpLoad({ ...settings, milliseconds: seconds * 1000 })
  load.results.push({ result, cpu: (await target.cpuMicroseconds()) - before })
}

/** Every kind in each round, so that what else the machine does falls on all of them. */
async function measureAll(loads: readonly Load[]): Promise<void> {
  for (const load of loads) await measure(load, SECONDS / 2)
  for (const load of loads) load.results.length = 0
  for (let round = 0; round < ROUNDS; round++) for (const load of loads) await measure(load, SECONDS)
}

function reportLoads(loads: readonly Load[]): void {
  print(['', 'a second', 'of bare', 'p50 ms', 'p99 ms', 'us CPU each', 'failures'])
  const bare = new Map<string, number>()
  for (const { name, results } of loads) {
    const sum = (of: (each: LoadResult) => number) => results.reduce((all, { result }) => all + of(result), 0)
    const rate = sum((each) => each.perSecond) / results.length
    const method = name.split(' ').find((word) => word === 'GET' || word === 'PUT') ?? ''
    if (!bare.has(method)) bare.set(method, rate)
    const cpu = results.reduce((all, each) => all + each.cpu, 0) / sum((each) => each.requests)
    const mean = (of: (each: LoadResult) => number) => (sum(of) / results.length).toFixed(1)
    const ratio = (rate / (bare.get(method) ?? rate)).toFixed(2)
    const latencies = [mean((each) => each.p50Ms), mean((each) => each.p99Ms)]
    const failures = String(sum((each) => each.failures))
    print([name, Math.round(rate).toString(), ratio, ...latencies, cpu.toFixed(0), failures])
  }
}

async function measureImport(ring: NodeRing, { name, argv }: Source): Promise<void> {
  const [cpuBefore, commitsBefore] = [await ring.cpuMicroseconds(), await ring.total('kvring_commits_total')]
  const run = await kvImport(`http://127.0.0.1:${ring.ports[0]}`, argv)
  const server = ((await ring.cpuMicroseconds()) - cpuBefore) / run.records
  const client = run.clientMicroseconds / run.records
  const commits = (await ring.total('kvring_commits_total')) - commitsBefore
  print([
    `import ${name}`,
    Math.round(run.records / run.seconds).toString(),
    run.records.toString(),
    server.toFixed(0),
    client.toFixed(0),
    (server + client).toFixed(0),
    ((run.records * 3) / commits).toFixed(1),
    run.failures.toString(),
  ])
}

function print(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(22) : cell.padStart(14))).join(''))
}

const directory = await mkdtemp(path.join(tmpdir(), 'kvring-bench-'))
const sources = await realSources(directory, RECORDS)
const nodeFlags = flags['node-flags'].split(' ').filter((flag) => flag !== '')
const ring = await NodeRing.start({ count: NODES, server: path.resolve(flags.server), nodeFlags })
const bareServer = await BareServer.start()
try {
  const bare: Target = {
    ports: [bareServer.port],
    cpuMicroseconds: () => bareServer.cpuMicroseconds(),
  }
  const loads: Load[] = [
    { name: 'bare fastify PUT', target: bare, request: requests('PUT', '', VALUE), results: [] },
    { name: 'bare fastify GET', target: bare, request: requests('GET', ''), results: [] },
    { name: 'PUT W=2', target: ring, request: requests('PUT', '?w=2', VALUE), results: [] },
    { name: 'GET R=2', target: ring, request: requests('GET', '?r=2'), results: [] },
    { name: 'GET R=1', target: ring, request: requests('GET', '?r=1'), results: [] },
  ]
  if (flags.only !== 'http') {
    print(['', 'a second', 'records', 'us server', 'us client', 'us CPU each', 'writes/commit', 'failures'])
    for (const source of sources) await measureImport(ring, source)
  }
  if (flags.only !== 'import') {
    await fill(ring.ports)
    await measureAll(loads)
    reportLoads(loads)
  }
} finally {
  await Promise.all([ring.stop(), bareServer.stop()])
  await rm(directory, { recursive: true, force: true })
}
