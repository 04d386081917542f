import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { CryptoRandom } from '../../server/adapters/crypto-random.ts'
import { openDataDirectory } from '../../server/adapters/data-directory.ts'
import { SystemClock } from '../../server/adapters/system-clock.ts'
import type { KeyRecord } from '../../server/causality/record.ts'
import { encodeRecord } from '../../server/causality/record-codec.ts'
import type { Storage, StorageRange } from '../../server/ports/storage.ts'
import { type Key, keyFromText } from '../../shared/key.ts'
import { LocalNetwork } from '../unit/anti-entropy/local-rpc.ts'
import { Owner } from '../unit/anti-entropy/owner.ts'

/**
 * Two owners of the same keys, on LevelDB, in one process: what it costs them to find that they differ in a few,
 * and to mend it; what a put pays for the digests; a scrub; and the longest stall of the event loop in each.
 *
 *     npx tsx test/bench/anti-entropy.ts [--keys 1000000] [--differing 10]
 */
const { values: flags } = parseArgs({
  options: { keys: { type: 'string', default: '1000000' }, differing: { type: 'string', default: '10' } },
})
const KEYS = Number(flags.keys)
const DIFFERING = Number(flags.differing)
const VALUE = Buffer.alloc(100, 'v')
const SCHEDULED = '/proc/thread-self/schedstat'
/** Records staged before their commit is awaited. */
const STAGED = 2_000

/** Counts what is read. */
class CountedStorage implements Storage {
  read = 0
  private readonly storage: Storage

  constructor(storage: Storage) {
    this.storage = storage
  }

  get(key: Buffer): Buffer | undefined {
    return this.storage.get(key)
  }

  async iterate(range: StorageRange): ReturnType<Storage['iterate']> {
    const found = await this.storage.iterate(range)
    this.read += found.length
    return found
  }

  commit(batch: Parameters<Storage['commit']>[0]): Promise<void> {
    return this.storage.commit(batch)
  }

  close(): Promise<void> {
    return this.storage.close()
  }
}

function keyOf(i: number): Key {
  return keyFromText(`place:${createHash('md5').update(String(i)).digest('hex').slice(0, 12)}`)
}

function recordOf(actor: string, counter: number): KeyRecord {
  const stamp = { wallMs: 1_767_225_600_000 + counter, logical: 0 }
  const sibling = {
    dot: { actor, counter },
    stamp,
    value: VALUE,
    expiresAtMs: 0,
    request: `bench-${counter}`,
  }
  return { past: new Map(), siblings: [sibling], retired: [] } as unknown as KeyRecord
}

/** Awaits many, a limited number at a time. */
async function fill(owners: readonly Owner[]): Promise<void> {
  for (let from = 0; from < KEYS; from += STAGED) {
    const writes: Promise<void>[] = []
    for (let i = from; i < Math.min(KEYS, from + STAGED); i++) {
      const key = keyOf(i)
      const bytes = encodeRecord(key, recordOf('n1.0123456789abcdef.0', i + 1))
      for (const owner of owners) writes.push(owner.store(key, bytes))
    }
    await Promise.all(writes)
  }
}

const stalls = monitorEventLoopDelay({ resolution: 5 })
stalls.enable()

/** Nanoseconds that this thread has run on a processor, however many others wait for it too; 0 where nobody tells. */
function ranNs(): number {
  return existsSync(SCHEDULED) ? Number(readFileSync(SCHEDULED, 'latin1').split(' ', 1)[0]) : 0
}

let ran = ranNs()
let longestTurnNs = 0

/** A busy machine stalls everything: what a turn of the event loop takes of a processor is the program's own doing. */
function turn(): void {
  const now = ranNs()
  longestTurnNs = Math.max(longestTurnNs, now - ran)
  ran = now
  setTimeout(turn, 1).unref()
}
turn()

async function measured(what: string, run: () => Promise<string>): Promise<void> {
  stalls.reset()
  longestTurnNs = 0
  const [since, cpu] = [performance.now(), process.cpuUsage()]
  const result = await run()
  const { user, system } = process.cpuUsage(cpu)
  const times = `${((performance.now() - since) / 1000).toFixed(2)} s, ${((user + system) / 1e6).toFixed(2)} s CPU`
  const turns = `longest stall ${(stalls.max / 1e6).toFixed(0)} ms, longest turn ${(longestTurnNs / 1e6).toFixed(0)} ms CPU`
  console.log(`${what}: ${result}; ${times}, ${turns}`)
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

async function round(owner: Owner): Promise<void> {
  const { rounds } = owner.repair.repairStatus()
  owner.repair.compareNow()
  await until(() => owner.repair.repairStatus().rounds > rounds)
}

const directory = await mkdtemp(path.join(tmpdir(), 'kvring-bench-'))
const clock = new SystemClock()
const random = new CryptoRandom()
const network = new LocalNetwork()
const directories = await Promise.all(
  ['a', 'b'].map((id) =>
    openDataDirectory({ path: path.join(directory, id), cluster: 'bench', id, durability: 'async' }),
  ),
)
const storages = directories.map(({ storage }) => new CountedStorage(storage))
const open = (id: 'a' | 'b') => {
  const storage = storages[id === 'a' ? 0 : 1] as CountedStorage
  return new Owner({ clock, random, storage, rpc: network.rpc(id) }, id, { repairEveryMs: 0 })
}
const [a, b] = [open('a'), open('b')]
const reset = () => {
  network.bytes = 0
  network.calls.length = 0
  for (const storage of storages) storage.read = 0
}
const exchanged = () => {
  const read = storages.reduce((sum, storage) => sum + storage.read, 0)
  return `${network.bytes} bytes in ${network.calls.length} calls, ${read} records read`
}

try {
  await measured(`${KEYS} keys on both`, async () => {
    for (const owner of [a, b]) await owner.repair.recover()
    await fill([a, b])
    return 'written'
  })
  for (const owner of [a, b]) owner.repair.start()
  await measured('a comparison of equals', async () => {
    reset()
    await round(a)
    return exchanged()
  })
  await measured(`a comparison and repair of ${DIFFERING} differing keys`, async () => {
    for (let i = 0; i < DIFFERING; i++) {
      const key = keyOf(Math.floor((i * KEYS) / DIFFERING))
      const owner = i % 2 === 0 ? a : b
      await owner.store(key, encodeRecord(key, recordOf('n2.fedcba9876543210.0', i + 1)))
    }
    reset()
    await round(a)
    const { slotsDiffering, keysRepaired } = a.repair.repairStatus().peers[0] ?? {}
    return `${slotsDiffering} slots, ${keysRepaired} keys, ${exchanged()}`
  })
  await measured('a scrub of one owner', async () => {
    reset()
    a.repair.scrubNow()
    await until(() => a.repair.scrubStatus().passes > 0)
    const { recordsChecked, recordsDamaged, slotsRebuilt } = a.repair.scrubStatus()
    return `${recordsChecked} records checked, ${recordsDamaged} damaged, ${slotsRebuilt} digests wrong`
  })
  await measured('recovery of the digests', async () => {
    const again = open('b')
    await again.repair.recover()
    const same = Buffer.compare(
      Buffer.from(again.digests.leaves.sums.words.buffer),
      Buffer.from(b.digests.leaves.sums.words.buffer),
    )
    return same === 0 ? 'as they were' : 'WRONG'
  })
} finally {
  for (const owner of [a, b]) owner.repair.stop()
  await Promise.all(directories.map((each) => each.close()))
  await rm(directory, { recursive: true, force: true })
}
