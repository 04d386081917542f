import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openDataDirectory } from '../../server/adapters/data-directory.ts'
import type { Storage, StorageOp } from '../../server/ports/storage.ts'

/**
 * What LevelDB behind the Storage port can do on this machine's disk: durable puts by batch size, with one and two
 * commits in flight, then gets and a scan.
 *
 *     npx tsx test/bench/storage.ts [--seconds 3] [--value-bytes 150] [--preload 200000] [--dir /var/tmp]
 */
const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    'value-bytes': { type: 'string', default: '150' },
    preload: { type: 'string', default: '200000' },
    dir: { type: 'string', default: tmpdir() },
  },
})
const SECONDS = Number(flags.seconds)
const VALUE_BYTES = Number(flags['value-bytes'])
const PRELOAD = Number(flags.preload)

/** Keys without order, as those of 16,384 slots are. */
function randomKey(i: number): Buffer {
  return createHash('md5').update(String(i)).digest()
}

/** As compressible as JSON. */
function value(i: number): Buffer {
  const text = `{"name":"place ${i}","lat":"${(i * 7919) % 180}","lng":"${(i * 104729) % 360}","country":"AD"}`
  return Buffer.from(text.repeat(Math.ceil(VALUE_BYTES / text.length)).slice(0, VALUE_BYTES))
}

let written = 0
function batchOf(size: number): StorageOp[] {
  return Array.from({ length: size }, () => {
    const i = written++
    return { type: 'put', key: randomKey(i), value: value(i) }
  })
}

function report(what: string, count: number, since: number, cpu: NodeJS.CpuUsage): void {
  const seconds = (performance.now() - since) / 1000
  const used = process.cpuUsage(cpu)
  const each = (used.user + used.system) / count
  const rate = Math.round(count / seconds).toLocaleString('en')
  console.log(`${what.padEnd(44)} ${rate.padStart(10)}/s ${each.toFixed(1).padStart(8)} µs CPU each`)
}

async function puts(storage: Storage, size: number, inFlight: number): Promise<void> {
  // Made beforehand, so that it is not measured.
  const batches = Array.from({ length: 64 }, () => batchOf(size))
  const [since, cpu] = [performance.now(), process.cpuUsage()]
  let count = 0
  const writer = async () => {
    for (let n = 0; performance.now() - since < SECONDS * 1000; n++) {
      await storage.commit(batches[n % batches.length]!)
      count += size
    }
  }
  await Promise.all(Array.from({ length: inFlight }, writer))
  report(`puts, ${size} a batch, ${inFlight} in flight`, count, since, cpu)
}

function gets(storage: Storage, what: string, key: (n: number) => Buffer): void {
  const keys = Array.from({ length: 50_000 }, (_, n) => key(n))
  for (const key of keys) storage.get(key)
  const [since, cpu] = [performance.now(), process.cpuUsage()]
  for (const key of keys) storage.get(key)
  report(`gets, ${what}`, keys.length, since, cpu)
}

async function scan(storage: Storage): Promise<void> {
  const [since, cpu] = [performance.now(), process.cpuUsage()]
  let count = 0
  for (let gte = Buffer.alloc(0); ; ) {
    const page = await storage.iterate({ gte, lt: Buffer.alloc(17, 0xff), limit: 1000 })
    if (page.length === 0) break
    count += page.length
    gte = Buffer.concat([page.at(-1)![0], Buffer.of(0)])
  }
  report('entries scanned, 1000 a page', count, since, cpu)
}

const path = await mkdtemp(join(flags.dir, 'kvring-bench-'))
try {
  for (const durability of ['sync', 'async'] as const) {
    const data = await openDataDirectory({
      path: join(path, durability),
      cluster: 'bench',
      id: 'n1',
      durability,
    })
    console.log(
      `\n${durability}, ${VALUE_BYTES}-byte values, ${PRELOAD.toLocaleString('en')} preloaded, in ${path}`,
    )
    written = 0
    for (let n = 0; n < PRELOAD; n += 500) await data.storage.commit(batchOf(500))
    for (const size of [1, 16, 64, 512]) await puts(data.storage, size, 1)
    await puts(data.storage, 64, 2)
    gets(data.storage, 'present, random', (n) => randomKey((n * 7919) % PRELOAD))
    gets(data.storage, 'present, 1,000 hot', (n) => randomKey(n % Math.min(1000, PRELOAD)))
    gets(data.storage, 'absent', (n) => randomKey(-n - 1))
    await scan(data.storage)
    await data.close()
    const since = performance.now()
    await (await openDataDirectory({ path: join(path, durability), cluster: 'bench', id: 'n1' })).close()
    console.log(`reopened and closed in ${Math.round(performance.now() - since)} ms`)
  }
  console.log(`\nresident memory ${Math.round(process.memoryUsage.rss() / 1e6)} MB`)
} finally {
  await rm(path, { recursive: true, force: true })
}
