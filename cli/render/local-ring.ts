import { httpOf, isUp, type RingState } from '../local-ring/ring-state.ts'
import { renderTable } from './table.ts'

/** Where the nodes of a local ring listen. */
export function localRingTable(state: RingState): string {
  const rows = state.nodes.map((node) => [
    node.id,
    httpOf(node),
    isUp(node) ? String(node.process?.pid) : 'not running',
    node.dataDir,
  ])
  return renderTable(['NODE', 'HTTP', 'PID', 'DATA'], rows)
}

/** For somebody who sees a ring for the first time. */
export function whatNext(state: RingState, kv: string): string {
  const http = httpOf(state.nodes[0] as RingState['nodes'][number])
  const victim = state.nodes.at(-1)?.id
  const lines: [string, string][] = [
    [`${kv} set greeting hello`, 'write a value'],
    [`${kv} get greeting --json`, 'read it, with its version'],
    [`${kv} ring status`, 'who is up, and who holds what'],
    [`${kv} ring locate greeting`, 'which nodes own a key'],
  ]
  if (state.nodes.length > 2 && victim !== undefined) {
    lines.push(
      [`${kv} chaos kill ${victim}`, 'break something: reads and writes go on'],
      [`${kv} chaos restart ${victim}`, 'and mend it'],
    )
  }
  lines.push(
    [`curl ${http}/kv/greeting`, 'the same over HTTP'],
    [`${kv} demo`, 'the whole story, on a ring of its own'],
  )
  const width = Math.max(...lines.map(([command]) => command.length))
  return [
    'Try next, in another terminal:',
    ...lines.map(([command, what]) => `  ${command.padEnd(width)}   ${what}`),
    `The HTTP API is explained at ${http}/docs`,
    'Ctrl-C stops the ring.',
  ].join('\n')
}
