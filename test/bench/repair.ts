import type { RingStatus } from '../../shared/api.ts'
import { requestBytes } from './http-load.ts'
import { type Answer, HttpOpenLoad } from './http-open-load.ts'
import type { NodeRing } from './node-ring.ts'
import { fill } from './stalls.ts'
import { print } from './table.ts'

/** As many as the ring keeps of each record. */
const COPIES = 3
const PER_SECOND = 300
const CONNECTIONS = 16
const IDLE_MS = 15_000
/** V8 has compiled little yet: of the nodes before the first figures, and of the one that comes back. */
const COLD_MS = 3_000
/** For the disk to be done with what was imported or mended. */
const REST_MS = 3_000
const POLL_MS = 250
const DEADLINE_MS = 10 * 60_000
/** One key in so many is there from the start, and what clients ask for and write. */
const ASKED_FOR = 20
const MAX_ASKED_FOR = 10_000
const VALUE = Buffer.alloc(100, 'v')

/**
 * What clients notice of it, when a node that was down for a whole import, and that nobody has kept hints for, is
 * filled by anti-entropy: their requests at a fixed rate, half GET R=2 and half PUT W=2, to the nodes that stay.
 */
export async function measureRepair(ring: NodeRing, { keys }: { keys: number }): Promise<void> {
  const staying = ring.ports.slice(0, -1)
  const [port] = staying as [number]
  const asked = Math.min(MAX_ASKED_FOR, Math.ceil(keys / ASKED_FOR))
  await fill(port, asked)
  const load = () => clients(staying, asked)

  await during(load(), COLD_MS)
  const before = await during(load(), IDLE_MS)
  await ring.killLast()
  await until('the ring to notice that a node is gone', async () => (await ringOf(port)).health !== 'ok')
  await fill(port, keys)
  const missing = COPIES * keys - (await copies(port))
  await rest(REST_MS)
  for (const each of staying) await ring.longestStall(each)

  const clientsMeanwhile = load()
  const began = performance.now()
  await ring.startLast()
  await until('every copy to be there', async () => (await copies(port)) >= COPIES * keys)
  const filledMs = performance.now() - began
  await until('the ring to say that it is whole', () => whole(ring))
  const toldMs = performance.now() - began
  const meanwhile = await clientsMeanwhile.stop()
  const stalls = []
  for (const each of ring.ports) stalls.push(await ring.longestStall(each))
  const [repaired, bytes] = [await ring.total(KEYS_REPAIRED), await ring.total(BYTES_EXCHANGED)]
  await rest(REST_MS)
  const after = await during(load(), IDLE_MS)

  const idleP99 = (p99(before) + p99(after)) / 2
  print(['', 'requests', 'p50 ms', 'p99 ms', 'of idle', 'max ms', 'failures'])
  const report = (name: string, answers: readonly Answer[]) => {
    const figures = [quantile(answers, 0.5), p99(answers)].map((ms) => ms.toFixed(1))
    const ratio = (p99(answers) / idleP99).toFixed(2)
    const failures = answers.filter(({ ok }) => !ok).length
    print([
      name,
      String(answers.length),
      ...figures,
      ratio,
      quantile(answers, 1).toFixed(0),
      String(failures),
    ])
  }
  report('idle, before', before)
  report('while a node is filled', meanwhile)
  report(
    '  its first 3 s',
    meanwhile.filter(({ dueMs }) => dueMs < COLD_MS),
  )
  report(
    '  until all is there',
    meanwhile.filter(({ dueMs }) => dueMs >= COLD_MS && dueMs < filledMs),
  )
  report(
    '  until status is ok',
    meanwhile.filter(({ dueMs }) => dueMs >= Math.max(COLD_MS, filledMs)),
  )
  report('idle, after', after)
  console.log()
  const others = Math.max(...stalls.slice(0, -1))
  print([
    '',
    'keys',
    'were missing',
    'keys repaired',
    'MB exchanged',
    's to fill',
    's until ok',
    'stall max ms',
    'its own',
  ])
  print([
    'a node filled',
    ...[keys, missing, repaired].map(String),
    (bytes / 1e6).toFixed(1),
    ...[filledMs, toldMs].map((ms) => (ms / 1000).toFixed(1)),
    ...[others, stalls.at(-1) as number].map((ms) => ms.toFixed(0)),
  ])
}

const KEYS_REPAIRED = 'kvring_anti_entropy_keys_repaired_total'
const BYTES_EXCHANGED = 'kvring_anti_entropy_bytes_total'

function clients(ports: readonly number[], keys: number): HttpOpenLoad {
  const request = (i: number): Buffer => {
    const name = encodeURIComponent(`place:${(i * 7919) % keys}`)
    return i % 2 === 0
      ? requestBytes('GET', `/kv/${name}?r=2`)
      : requestBytes('PUT', `/kv/${name}?w=2`, VALUE)
  }
  const settings = { host: '127.0.0.1', ports, connections: CONNECTIONS, perSecond: PER_SECOND, request }
  return new HttpOpenLoad(settings)
}

async function during(load: HttpOpenLoad, ms: number): Promise<readonly Answer[]> {
  await rest(ms)
  return load.stop()
}

async function ringOf(port: number): Promise<RingStatus> {
  return (await (await fetch(`http://127.0.0.1:${port}/ring`)).json()) as RingStatus
}

async function copies(port: number): Promise<number> {
  return (await ringOf(port)).nodes.reduce((sum, { keys }) => sum + keys, 0)
}

/** Neither the first node nor the last, which was away, knows of anything that is wrong. */
async function whole(ring: NodeRing): Promise<boolean> {
  const ends = [ring.ports[0], ring.ports.at(-1)] as number[]
  const statuses = await Promise.all(ends.map(ringOf))
  return statuses.every(({ health }) => health === 'ok')
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS / 1000} s for ${what}`)
    await rest(POLL_MS)
  }
}

function p99(answers: readonly Answer[]): number {
  return quantile(answers, 0.99)
}

function quantile(answers: readonly Answer[], q: number): number {
  const latencies = answers.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b)
  return latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
