import { openSync, writeSync } from 'node:fs'
import { openDataDirectory } from '../../../server/adapters/data-directory.ts'

/**
 * A process whose power is to be cut: commits batches `first` to `last` into a data directory, up to three at a time,
 * and notes in a file what it knows: `opened INCARNATION` and `done BATCH`. Batch n is the keys n:0 to n:3, with
 * `bytes` in each value.
 */
const [path, notes, durability, first, last, bytes, ending] = process.argv.slice(2) as [
  path: string,
  notes: string,
  durability: 'sync' | 'async',
  first: string,
  last: string,
  bytes: string,
  ending: 'close' | 'kill',
]
const file = openSync(notes, 'a')
const data = await openDataDirectory({ path, cluster: 'test', id: 'n1', durability })
writeSync(file, `opened ${data.incarnation}\n`)

let next = Number(first)
async function commitAll(): Promise<void> {
  while (next <= Number(last)) {
    const n = next++
    await data.storage.commit(
      Array.from({ length: 4 }, (_, i) => ({
        type: 'put',
        key: Buffer.from(`${n}:${i}`),
        value: Buffer.alloc(Number(bytes), `${n}.`),
      })),
    )
    writeSync(file, `done ${n}\n`)
  }
}
await Promise.all([commitAll(), commitAll(), commitAll()])
if (ending === 'kill') process.kill(process.pid, 'SIGKILL')
await data.close()
