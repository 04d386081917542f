import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { kvImport, realSources } from './kv-import.ts'
import type { NodeRing } from './node-ring.ts'
import { print } from './table.ts'

/** As many as the ring keeps of each record. */
const COPIES = 3

/**
 * Imports of real files into a ring that has served nothing: the first pass is cold, the later ones are of the same
 * records under other keys.
 */
export async function measureImports(
  ring: NodeRing,
  { records, passes }: { records: number; passes: number },
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kvring-bench-'))
  try {
    const sources = await realSources(directory, records)
    print(['', 'a second', 'records', 'us server', 'us client', 'us CPU each', 'writes/commit', 'failures'])
    for (let pass = 0; pass < passes; pass++) {
      for (const { name, argv } of sources) {
        const state = pass === 0 ? 'cold' : `pass ${pass + 1}`
        await measureImport(ring, `import ${name}, ${state}`, argv(`${pass}/`))
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

async function measureImport(ring: NodeRing, name: string, argv: readonly string[]): Promise<void> {
  const [cpuBefore, commitsBefore] = [await ring.cpuMicroseconds(), await ring.total('kvring_commits_total')]
  const run = await kvImport(`http://127.0.0.1:${ring.ports[0]}`, argv)
  const server = ((await ring.cpuMicroseconds()) - cpuBefore) / run.records
  const client = run.clientMicroseconds / run.records
  const commits = (await ring.total('kvring_commits_total')) - commitsBefore
  print([
    name,
    Math.round(run.records / run.seconds).toString(),
    run.records.toString(),
    server.toFixed(0),
    client.toFixed(0),
    (server + client).toFixed(0),
    ((run.records * COPIES) / commits).toFixed(1),
    run.failures.toString(),
  ])
}
