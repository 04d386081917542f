import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for a later one that was given the same id. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it began, as `beginningOf` tells; never empty. */
  readonly began: string
}

/** The boot and the tick at which a process began; undefined where it is gone, or has ended and was not collected. */
export function beginningOf(pid: number): string | undefined {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program, in parentheses, may hold anything; the state and the numbers follow it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const [state, ticks] = [fields[0], fields[19]]
    return state === 'Z' || state === 'X' ? undefined : `${boot}:${ticks}`
  } catch {
    return undefined
  }
}

function fromPs(pid: number): string | undefined {
  try {
    const options = { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } } as const
    const [state = 'Z', ...began] = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], options)
      .trim()
      .split(/\s+/)
    return state.startsWith('Z') || began.length === 0 ? undefined : began.join(' ')
  } catch {
    return undefined
  }
}

export function isRunning({ pid, began }: ProcessIdentity): boolean {
  return beginningOf(pid) === began
}

/** @returns false where the process is gone; another one that has its id now is left alone. */
export function sendSignal(target: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(target)) return false
  try {
    return process.kill(target.pid, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw thrown
  }
}
