import type { Trace, TraceFields, TraceLevel } from '../../server/ports/trace.ts'
import type { EventLoop } from './event-loop.ts'
import type { TraceHash } from './trace-hash.ts'

/** Prints one line of a replay. */
export type Printer = (line: string) => void

/** The Trace port of one node: all that it tells is hashed, counted and, in a replay, printed. */
export class SimulatedTrace implements Trace {
  private readonly components: {
    loop: EventLoop
    hash: TraceHash
    /** How often each event came, over all nodes. */
    marks: Map<string, number>
    print: Printer | undefined
  }
  private readonly node: string

  constructor(components: SimulatedTrace['components'], settings: { node: string }) {
    this.components = components
    this.node = settings.node
  }

  /** Debug events cost too much in thousands of runs, and are not hashed: a replay has the same hash. */
  enabled(level: TraceLevel): boolean {
    return level !== 'debug' || this.components.print !== undefined
  }

  event(level: TraceLevel, event: string, fields: TraceFields = {}): void {
    const { loop, hash, marks, print } = this.components
    if (level !== 'debug') {
      hash.number(loop.now)
      hash.name(this.node)
      hash.name(event)
      for (const name of Object.keys(fields)) hash.text(`${name}=${String(fields[name])}`)
      marks.set(event, (marks.get(event) ?? 0) + 1)
    }
    if (print === undefined) return
    const shown = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`)
    print(line(loop.now, this.node, `${event} ${shown.join(' ')}`))
  }
}

/** A line of the readable trace. */
export function line(now: number, who: string, what: string): string {
  return `${(now / 1e6).toFixed(6).padStart(11)} ${who.padEnd(8)} ${what}`
}
