import type { Node } from '../../server/node.ts'
import { EventLoop } from './event-loop.ts'
import type { Loss, Violation } from './evidence.ts'
import type { MemoryDisk } from './memory-disk.ts'
import { Prng } from './prng.ts'
import { SimulatedNetwork } from './simulated-network.ts'
import { line, type Printer, SimulatedTrace } from './simulated-trace.ts'
import { TraceHash } from './trace-hash.ts'

/** What all machines of one simulation share. */
export class World {
  readonly prng: Prng
  readonly loop: EventLoop
  readonly hash = new TraceHash()
  readonly network: SimulatedNetwork
  /** Events that nodes told of, their counters, and the faults that struck: how often each came. */
  readonly marks = new Map<string, number>()
  /** What no node may do, whatever befalls it: throw, or fail to start. */
  readonly failures: Violation[] = []
  readonly losses: Loss[] = []
  readonly disks: MemoryDisk[] = []
  private readonly print: Printer | undefined

  constructor(settings: { seed: number; print?: Printer | undefined }) {
    this.prng = new Prng(settings.seed, 'world')
    this.print = settings.print
    this.loop = new EventLoop({ prng: this.prng.fork('ties') })
    this.network = new SimulatedNetwork({ loop: this.loop, prng: this.prng.fork('network'), hash: this.hash })
  }

  trace(node: string): SimulatedTrace {
    const { loop, hash, marks, print } = this
    return new SimulatedTrace({ loop, hash, marks, print }, { node })
  }

  /** Something happened that belongs into the trace. */
  note(who: string, what: string): void {
    this.hash.number(this.loop.now)
    this.hash.name(who)
    this.hash.text(what)
    this.print?.(line(this.loop.now, who, what))
  }

  fail(who: string, what: string, thrown: unknown): void {
    this.note(who, `${what}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
    const why = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
    this.failures.push({ checker: 'process', key: '', message: `${who} ${what}: ${why}` })
  }

  count(mark: string, times = 1): void {
    this.marks.set(mark, (this.marks.get(mark) ?? 0) + times)
  }

  /** Adds a node's counters to the marks, before the node is gone. */
  harvest(node: Node): void {
    for (const [name, value] of node.stats()) {
      if (name.endsWith('_total') && value > 0) this.count(name, value)
    }
  }
}
