import type { NodePorts } from './free-ports.ts'
import type { LocalNode, RingState } from './ring-state.ts'

/** The command line of one node of a local ring. */
export function nodeArguments(
  state: RingState,
  node: LocalNode,
  ports: NodePorts,
  secretFile: string,
): string[] {
  const flags = new Map<string, string | number>([
    ['id', node.id],
    ['cluster', state.name],
    ['secret-file', secretFile],
    ['data', node.dataDir],
    ['http-port', ports.httpPort],
    ['peer-port', ports.peerPort],
    ['discovery-port', state.discoveryPort],
    ['bootstrap-expect', state.nodes.length],
    ['conflicts', state.conflicts],
  ])
  return [...[...flags].flatMap(([flag, value]) => [`--${flag}`, String(value)]), '--chaos', '--json']
}

/** The environment of a node: settings of the user's own nodes are none of it. */
export function nodeEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('KV_')))
}
