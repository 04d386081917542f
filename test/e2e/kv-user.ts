import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { execa, type Options } from 'execa'
import { httpOf, type RingState, RingStateFile } from '../../cli/local-ring/ring-state.ts'
import { stopProcesses } from '../../cli/local-ring/stop-processes.ts'

export const KV = path.join(import.meta.dirname, '../../cli/bin/kv.js')

/** What one run of `kv` has left behind. */
export interface Ended {
  readonly code: number | undefined
  readonly out: string
  readonly err: string
  /** The one object that stdout holds. */
  readonly json: <T = Record<string, unknown>>() => T
}

export interface RunOptions {
  readonly input?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly timeout?: number
}

/** A user's KV_HOME, working directory and rings, apart from those of whoever runs the tests. */
export class KvUser {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'kvring-e2e-'))
  readonly home = path.join(this.directory, 'home')

  file(name: string): string {
    return path.join(this.directory, name)
  }

  /** Runs `kv` to its end, whatever that is. */
  async kv(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
    return ended(await this.start(argv, options))
  }

  /** Runs `kv --json`. @throws Error with all its output where it fails. */
  async json<T = Record<string, unknown>>(argv: readonly string[], options: RunOptions = {}): Promise<T> {
    const run = await this.kv([...argv, '--json'], options)
    if (run.code !== 0) throw new Error(`kv ${argv.join(' ')}: exit ${run.code}\n${run.out}\n${run.err}`)
    return run.json<T>()
  }

  /** Starts `kv`; the promise resolves when it ends, and never rejects for its exit code. */
  start(argv: readonly string[], { input, env = {}, timeout = 120_000 }: RunOptions = {}) {
    const settings = {
      env: { PATH: process.env.PATH ?? '', KV_HOME: this.home, ...env },
      extendEnv: false,
      cwd: this.directory,
      reject: false,
      timeout,
      stripFinalNewline: false,
      maxBuffer: 256 * 1024 * 1024,
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
    } satisfies Options
    return execa(process.execPath, [KV, ...argv], settings)
  }

  /** As `kv up` has left it. */
  ring(name = 'local'): RingState {
    const state = new RingStateFile(path.join(this.home, 'rings', name)).read()
    if (state === undefined) throw new Error(`there is no ring ${name}`)
    return state
  }

  /** By node id. */
  endpoints(name = 'local'): Map<string, string> {
    return new Map(this.ring(name).nodes.map((node) => [node.id, httpOf(node)]))
  }

  /** Ends every process of every ring, by its id, and removes all files. */
  async dispose(): Promise<void> {
    const rings = path.join(this.home, 'rings')
    for (const name of readNames(rings)) {
      const state = new RingStateFile(path.join(rings, name)).read()
      await stopProcesses((state?.nodes ?? []).flatMap((node) => (node.process ? [node.process] : [])))
    }
    rmSync(this.directory, { recursive: true, force: true })
  }
}

export function ended(run: { exitCode?: number; stdout?: unknown; stderr?: unknown }): Ended {
  const [out, err] = [String(run.stdout ?? ''), String(run.stderr ?? '')]
  return {
    code: run.exitCode,
    out,
    err,
    json: () => {
      try {
        return JSON.parse(out)
      } catch {
        throw new Error(`not one JSON object: ${out}\n${err}`)
      }
    },
  }
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}
