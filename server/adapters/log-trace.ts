import { type DestinationStream, type Logger, pino } from 'pino'
import type { Clock } from '../ports/clock.ts'
import type { Trace, TraceFields, TraceLevel } from '../ports/trace.ts'

export interface LogTraceComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly destination: DestinationStream
}

export interface LogTraceSettings {
  /** In every line. */
  readonly node: string
  readonly level: TraceLevel | 'silent'
  readonly format: 'json' | 'text'
  /** Lines of one event name that are written in each second; the rest are counted. */
  readonly linesPerSecond: number
}

interface Budget {
  second: number
  written: number
  suppressed: number
}

/** The node's trace as a log: a JSON object a line, `{"level","time","node","event",...fields}`, or text. */
export class LogTrace implements Trace {
  private readonly logger: Logger
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly linesPerSecond: number
  /** By event name, of which there is a fixed number. */
  private readonly budgets = new Map<string, Budget>()

  constructor({ clock, destination }: LogTraceComponents, settings: LogTraceSettings) {
    this.clock = clock
    this.linesPerSecond = settings.linesPerSecond
    this.logger = pino(
      {
        level: settings.level,
        base: { node: settings.node },
        messageKey: 'event',
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      settings.format === 'json' ? destination : { write: (line) => destination.write(textLine(line)) },
    )
  }

  enabled(level: TraceLevel): boolean {
    return this.logger.isLevelEnabled(level)
  }

  event(level: TraceLevel, event: string, fields: TraceFields = {}): void {
    if (!this.enabled(level)) return
    const suppressed = this.spend(event)
    if (suppressed === undefined) return
    this.logger[level](suppressed === 0 ? fields : { ...fields, suppressed }, event)
  }

  /** How many lines of the event were left out before this one; undefined where this one is to be left out. */
  private spend(event: string): number | undefined {
    const second = Math.floor(this.clock.monotonicMs() / 1000)
    let budget = this.budgets.get(event)
    if (budget === undefined) {
      budget = { second, written: 0, suppressed: 0 }
      this.budgets.set(event, budget)
    }
    if (budget.second !== second) {
      budget.second = second
      budget.written = 0
    }
    if (budget.written === this.linesPerSecond) {
      budget.suppressed++
      return undefined
    }
    budget.written++
    const { suppressed } = budget
    budget.suppressed = 0
    return suppressed
  }
}

/** `12:00:00.000 warn  link.lost peer=n2`, from the JSON of the same line. */
function textLine(json: string): string {
  const { level, time, node, event, ...fields } = JSON.parse(json) as Record<string, unknown>
  const clock = String(time).slice(11, 23)
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${textOf(value)}`)
  return `${clock} ${String(level).padEnd(5)} ${node} ${event}${rest.join('')}\n`
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'string' && /[\s="]/.test(value) ? JSON.stringify(value) : String(value)
}
