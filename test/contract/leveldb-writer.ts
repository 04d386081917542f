import { writeSync } from 'node:fs'
import { openDataDirectory } from '../../server/adapters/data-directory.ts'

/**
 * A process to be killed: commits batch after batch into the data directory that it is given, two at a time, and
 * prints the number of each one that has resolved. Batch n is the keys n:0 to n:9.
 */
const [path, first] = process.argv.slice(2) as [string, string]
const { storage } = await openDataDirectory({ path, cluster: 'test', id: 'n1' })

let next = Number(first)
async function commitForEver(): Promise<void> {
  for (;;) {
    const n = next++
    await storage.commit(
      Array.from({ length: 10 }, (_, i) => ({
        type: 'put',
        key: Buffer.from(`${n}:${i}`),
        value: Buffer.alloc(100 + ((n * 37) % 9000), n % 256),
      })),
    )
    writeSync(1, `${n}\n`)
  }
}
await Promise.all([commitForEver(), commitForEver()])
