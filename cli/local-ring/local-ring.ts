import { randomBytes } from 'node:crypto'
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { KvError } from '../../shared/errors.ts'
import { withLock } from '../bin/lock.js'
import { makeDurably, writeDurably } from '../durable-file.ts'
import type { NodePorts } from './free-ports.ts'
import { nodeArguments, nodeEnvironment } from './node-arguments.ts'
import { type StartedProcess, startProcess } from './node-process.ts'
import { httpOf, isUp, type LocalNode, peerOf, type RingState, RingStateFile } from './ring-state.ts'

export interface LocalRingSettings {
  /** Where the ring keeps everything: its state, its secret, its logs and, unless said otherwise, its data. */
  readonly directory: string
  readonly name: string
  /** The JavaScript file of a node. */
  readonly program: string
  readonly env: NodeJS.ProcessEnv
}

/** A ring of processes on this machine, and the files that it is remembered by. */
export class LocalRing {
  readonly settings: LocalRingSettings
  private readonly file: RingStateFile

  constructor(settings: LocalRingSettings) {
    this.settings = settings
    this.file = new RingStateFile(settings.directory)
  }

  get name(): string {
    return this.settings.name
  }

  /** undefined where there is no such ring. @throws KvError `conflict` where its state file is damaged. */
  state(): RingState | undefined {
    return this.file.read()
  }

  /** @throws KvError `not_found` */
  expectState(): RingState {
    const state = this.state()
    if (state) return state
    throw new KvError('not_found', `there is no ring "${this.name}" on this machine`, 'start one: kv up')
  }

  save(state: RingState): void {
    this.file.write(state)
  }

  /** Does what changes the ring: one command at a time, others wait. */
  exclusively<T>(work: () => Promise<T>, onWait?: () => void): Promise<T> {
    makeDurably(this.settings.directory)
    return withLock(path.join(this.settings.directory, 'lock'), work, onWait ? { onWait } : {})
  }

  logFile(id: string): string {
    return path.join(this.settings.directory, 'logs', `${id}.log`)
  }

  /** Starts the process of a node; the caller saves the state with it at once, lest it is forgotten. */
  spawn(state: RingState, node: LocalNode, ports: NodePorts): StartedProcess {
    const { program, env } = this.settings
    if (!existsSync(program))
      throw new KvError('internal', 'the server has not been built', 'run: npm run build')
    const argv = nodeArguments(state, node, ports, this.secretFile())
    return startProcess(program, argv, nodeEnvironment(env), node.logFile)
  }

  /** Removes all that the ring has kept; nothing of it may run. */
  wipe(state: RingState): void {
    for (const { dataDir } of [...state.nodes, ...(state.removed ?? [])]) {
      rmSync(dataDir, { recursive: true, force: true })
      removeEmpty(path.dirname(dataDir))
    }
    rmSync(this.settings.directory, { recursive: true, force: true })
  }

  /** What `--json` of `kv up` says. */
  describe(state: RingState): LocalRingResult {
    const nodes = state.nodes.map((node) => ({
      id: node.id,
      http: httpOf(node),
      peer: peerOf(node),
      pid: isUp(node) ? (node.process?.pid ?? null) : null,
      dataDir: node.dataDir,
    }))
    return { cluster: state.name, nodes }
  }

  /** Its path; it is made with the ring and never shown. */
  private secretFile(): string {
    const file = path.join(this.settings.directory, 'secret')
    if (!existsSync(file)) writeDurably(file, `${randomBytes(32).toString('hex')}\n`)
    return file
  }
}

export interface LocalRingResult {
  cluster: string
  nodes: { id: string; http: string; peer: string; pid: number | null; dataDir: string }[]
}

/** Only what `kv up` has made and nobody else uses goes: a directory with something in it stays. */
function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // It holds something else, or is gone.
  }
}
