import path from 'node:path'
import { parseArgs } from 'node:util'
import { measureHttp } from './http-rounds.ts'
import { measureImports } from './import-passes.ts'
import { NodeRing } from './node-ring.ts'
import { measureRepair } from './repair.ts'
import { measureRestart } from './restart.ts'
import { measureStalls } from './stalls.ts'

/**
 * Rings of five server processes under load, each kind of load on one of its own:
 *
 *     npm run bench -- [--quick] [--only import|http|stalls|restart|repair] [--nodes 5] [--rounds 3] [--seconds 2] [--records 40000] [--passes 2]
 *         [--keys 200000] [--node-flags "..."] [--server-flags "..."] [--server FILE]
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
    passes: { type: 'string', default: '2' },
    keys: { type: 'string' },
    nodes: { type: 'string', default: '5' },
    only: { type: 'string' },
    'node-flags': { type: 'string', default: '' },
    'server-flags': { type: 'string', default: '' },
    server: { type: 'string', default: path.join(import.meta.dirname, '../../dist/server/main.js') },
  },
})
const { quick } = flags
const amounts = {
  rounds: Number(flags.rounds ?? (quick ? 1 : 3)),
  seconds: Number(flags.seconds ?? (quick ? 1 : 2)),
  records: Number(flags.records ?? (quick ? 10_000 : 40_000)),
  passes: Number(flags.passes),
  keys: Number(flags.keys ?? (quick ? 20_000 : 200_000)),
}
const KINDS = {
  import: { measure: measureImports, serverFlags: [] },
  http: { measure: measureHttp, serverFlags: [] },
  stalls: { measure: measureStalls, serverFlags: [] },
  restart: { measure: measureRestart, serverFlags: [] },
  // What a node misses only anti-entropy brings back.
  repair: { measure: measureRepair, serverFlags: ['--max-hint-bytes', '0'] },
}

for (const [kind, { measure, serverFlags }] of Object.entries(KINDS)) {
  if (flags.only !== undefined && flags.only !== kind) continue
  const ring = await NodeRing.start({
    count: Number(flags.nodes),
    server: path.resolve(flags.server),
    nodeFlags: words(flags['node-flags']),
    serverFlags: [...serverFlags, ...words(flags['server-flags'])],
  })
  try {
    await measure(ring, amounts)
  } finally {
    await ring.stop()
  }
  console.log()
}

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '')
}
