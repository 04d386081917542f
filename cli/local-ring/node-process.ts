import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'
import { errorFromBody } from '../../shared/client/answers.ts'
import { KvError } from '../../shared/errors.ts'
import { beginningOf, type ProcessIdentity } from './process-identity.ts'

/** What a node prints on stdout once it listens. */
export interface Listening {
  readonly id: string
  readonly httpPort: number
  readonly peerPort: number
}

/** The process of a node that has been started, in a session of its own: it outlives the one that started it. */
export interface StartedProcess {
  readonly identity: ProcessIdentity
  /** Rejects with what kept the node from starting. */
  readonly listening: Promise<Listening>
}

const OLD_LOG_BYTES = 4 * 1024 * 1024
const TAIL_LINES = 5
const TAIL_BYTES = 64 * 1024

/** @throws KvError `internal` where the system starts no process. */
export function startProcess(
  program: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  logFile: string,
): StartedProcess {
  const log = openLog(logFile)
  const child = spawn(process.execPath, [program, ...argv], {
    detached: true,
    stdio: ['ignore', 'pipe', log],
    // The directory of whoever started it may be removed while it runs.
    cwd: '/',
    env,
  })
  closeSync(log)
  // The process may have ended already, and then was nobody that could be mistaken for another.
  const identity =
    child.pid === undefined ? undefined : { pid: child.pid, began: beginningOf(child.pid) ?? '-' }
  const listening = announcement(child)
  // It is awaited later, together with those of the other nodes.
  listening.catch(() => undefined)
  if (identity === undefined) throw new KvError('internal', 'no process could be started', 'is there memory?')
  return { identity, listening }
}

/** Appends, and puts a log that has become long aside first. */
function openLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > OLD_LOG_BYTES) renameSync(file, `${file}.1`)
  return openSync(file, 'a', 0o600)
}

/** The one line that a node prints: where it listens, or what kept it from that. */
function announcement(child: ChildProcess): Promise<Listening> {
  const { stdout } = child
  let text = ''
  return new Promise<Listening>((resolve, reject) => {
    const ended = (reason: string) => new KvError('internal', `its process ended (${reason})`)
    child.once('error', (error) => reject(new KvError('internal', error.message)))
    child.once('close', (code, signal) => reject(ended(signal ?? `exit code ${code}`)))
    stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      const end = text.indexOf('\n')
      if (end < 0) return
      const line: unknown = JSON.parse(text.slice(0, end))
      const error = errorFromBody(line)
      if (error) reject(error)
      else resolve(parseListening(line as { id: string; http: string; peer: string }))
    })
  }).finally(() => {
    // Neither the pipe nor the process keeps this one from ending.
    stdout?.destroy()
    child.removeAllListeners()
    child.on('error', () => undefined)
    child.unref()
  })
}

function parseListening({ id, http, peer }: { id: string; http: string; peer: string }): Listening {
  return {
    id,
    httpPort: Number(new URL(http).port),
    peerPort: Number(peer.slice(peer.lastIndexOf(':') + 1)),
  }
}

/** The last lines of a log. */
export function logTail(file: string): string[] {
  try {
    const lines = readFileSync(file).subarray(-TAIL_BYTES).toString('utf8').trimEnd().split('\n')
    return lines.slice(-TAIL_LINES)
  } catch {
    return []
  }
}
