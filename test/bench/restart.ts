import type { NodeRing } from './node-ring.ts'
import { fill } from './stalls.ts'
import { print } from './table.ts'

/** How long a node that holds many keys takes from its start until it serves, after it was killed. */
export async function measureRestart(ring: NodeRing, { keys }: { keys: number }): Promise<void> {
  const port = ring.ports.at(-1) as number
  await fill(port, keys)
  const held = await ring.held(port)
  print(['', 'keys', 'keys of node', 'seconds'])
  await ring.killLast()
  const seconds = (await ring.startLast()) / 1000
  print(['restart after kill -9', String(keys), String(held), seconds.toFixed(2)])
}
