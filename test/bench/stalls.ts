import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { kvImport } from './kv-import.ts'
import type { NodeRing } from './node-ring.ts'
import { print } from './table.ts'

const IDLE_MS = 2_000
const POLL_MS = 100
const LINES_A_WRITE = 10_000

/**
 * How long the event loop of a node stands still while it compares a ring's worth of keys with its peers, and while
 * it reads all that it holds for a scrub: beside an idle one's, for a busy machine stalls whatever runs on it.
 */
export async function measureStalls(ring: NodeRing, { keys }: { keys: number }): Promise<void> {
  const [port] = ring.ports as [number]
  await fill(port, keys)
  const held = await ring.held(port)
  print(['', 'keys', 'keys of node', 'seconds', 'stall max ms'])
  const measure = async (name: string, run: () => Promise<void>) => {
    await ring.longestStall(port)
    const began = performance.now()
    await run()
    const seconds = (performance.now() - began) / 1000
    print([name, String(keys), String(held), seconds.toFixed(1), (await ring.longestStall(port)).toFixed(0)])
  }
  await measure('idle', () => rest(IDLE_MS))
  await measure('comparison with all peers', () => order(port, 'repair', 'rounds'))
  await measure('scrub', () => order(port, 'scrub', 'passes'))
}

/** Has the node begin, and waits until it has done it once more. */
async function order(port: number, what: 'repair' | 'scrub', count: 'rounds' | 'passes'): Promise<void> {
  const status = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/${what}`)
    return ((await answer.json()) as Record<string, number>)[count] as number
  }
  const before = await status()
  await fetch(`http://127.0.0.1:${port}/${what}/start`, { method: 'POST' })
  while ((await status()) === before) await rest(POLL_MS)
}

/** Writes so many keys. */
export async function fill(port: number, keys: number): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'kvring-bench-'))
  try {
    const file = path.join(directory, 'keys.tsv')
    const output = await open(file, 'w')
    for (let from = 0; from < keys; from += LINES_A_WRITE) {
      let lines = ''
      for (let i = from; i < Math.min(keys, from + LINES_A_WRITE); i++)
        lines += `place:${i}\tvalue ${i} of a key\n`
      await output.write(lines)
    }
    await output.close()
    const argv = [file, '--columns', 'name,text', '--key', '{name}', '--value', 'text']
    const { failures } = await kvImport(`http://127.0.0.1:${port}`, argv)
    if (failures > 0) throw new Error(`${failures} of ${keys} keys could not be written`)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
