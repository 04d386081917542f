import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { FaultRule } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import { writeDurably } from '../durable-file.ts'
import { isRunning, type ProcessIdentity } from './process-identity.ts'

/** One node of a ring that `kv up` has made. */
export interface LocalNode {
  readonly id: string
  readonly httpPort: number
  readonly peerPort: number
  readonly dataDir: string
  readonly logFile: string
  /** The process that was started last; it may have ended since. Absent after an orderly stop. */
  readonly process?: ProcessIdentity
  /** The process was ended by `kv chaos kill`. */
  readonly killed?: true
}

/** Nodes whose processes are stopped (SIGSTOP) until a time. */
export interface Pause {
  readonly id: string
  readonly nodes: readonly string[]
  readonly untilMs: number
}

/** What must be remembered of a local ring, in `ring.json` in its directory. */
export interface RingState {
  readonly version: 1
  readonly name: string
  readonly conflicts: 'lww' | 'siblings'
  readonly discoveryPort: number
  readonly nodes: readonly LocalNode[]
  /** Nodes that the ring has removed for good: not started any more, and wiped with the others. */
  readonly removed?: readonly LocalNode[]
  readonly pauses: readonly Pause[]
  /** Faults in the network that were given to the nodes; a node that starts again must be told of them. */
  readonly faults: readonly FaultRule[]
  /** Set while the ring is being started: left behind, that start was cut off. */
  readonly starting?: true
}

const HOST = '127.0.0.1'

export const httpOf = (node: LocalNode): string => `http://${HOST}:${node.httpPort}`
export const peerOf = (node: LocalNode): string => `${HOST}:${node.peerPort}`

export function isUp(node: LocalNode): boolean {
  return node.process !== undefined && isRunning(node.process)
}

/** The processes that were started for these nodes last. */
export function processesOf(nodes: readonly LocalNode[]): ProcessIdentity[] {
  return nodes.flatMap((node) => (node.process ? [node.process] : []))
}

/** `state` with some of its nodes replaced by what `change` makes of them. */
export function withNodes(state: RingState, change: (node: LocalNode) => LocalNode): RingState {
  return { ...state, nodes: state.nodes.map(change) }
}

/** The state file of one ring. Changes are made under the ring's lock only. */
export class RingStateFile {
  readonly file: string

  constructor(directory: string) {
    this.file = path.join(directory, 'ring.json')
  }

  /** undefined where no ring was made there. @throws KvError `conflict` where the file is damaged. */
  read(): RingState | undefined {
    let text: string
    try {
      text = readFileSync(this.file, 'utf8')
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw thrown
    }
    const state = parse(text)
    if (state === undefined) {
      throw new KvError(
        'conflict',
        `${this.file} is damaged, so the processes of this ring are not known`,
        'stop its nodes by hand, then delete the file; kv up writes it anew',
      )
    }
    return state
  }

  write(state: RingState): void {
    writeDurably(this.file, `${JSON.stringify(state, null, 2)}\n`)
  }
}

function parse(text: string): RingState | undefined {
  try {
    const state = JSON.parse(text) as Partial<RingState> | null
    const whole =
      state?.version === 1 &&
      typeof state.name === 'string' &&
      Array.isArray(state.pauses) &&
      Array.isArray(state.faults) &&
      (state.removed === undefined || Array.isArray(state.removed)) &&
      Array.isArray(state.nodes) &&
      state.nodes.every((node) => typeof node?.id === 'string' && typeof node.dataDir === 'string')
    return whole ? (state as RingState) : undefined
  } catch {
    return undefined
  }
}
