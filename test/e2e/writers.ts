import { connect } from '../../cli/connect.ts'
import type { KvClient } from '../../shared/client/client.ts'
import { KvError } from '../../shared/errors.ts'
import { type Key, keyFromText } from '../../shared/key.ts'

/** What became of one write, as its writer was told. */
export type Fate = 'acknowledged' | 'unknown' | 'failed'

export interface Write {
  readonly value: number
  readonly fate: Fate
  /** Why it was not acknowledged; "" where it was. */
  readonly error: string
  /** The dot that an acknowledged one has got; "" otherwise. */
  readonly version: string
  /** The moment at which its writer was told, by the clock of WritersSettings. */
  readonly moment: number
  readonly startedMs: number
  readonly tookMs: number
}

export type Histories = ReadonlyMap<string, readonly Write[]>

export interface WritersSettings {
  /** How the names of the writers, which are their keys, begin. */
  readonly name?: string
  /** A clock of the test's own. */
  readonly moment?: () => number
}

const TIMEOUT_MS = 5_000
const PAUSE_MS = 10

/** Clients that write ever higher numbers, each to a key of its own, and remember what they were told. */
export class Writers {
  readonly histories = new Map<string, Write[]>()
  private readonly clients: KvClient[]
  private running = true
  private readonly work: Promise<void>[]
  private readonly moment: () => number

  /** Each writer prefers another endpoint, and fails over to the others. */
  constructor(endpoints: readonly string[], count: number, settings: WritersSettings = {}) {
    const { name = 'writer', moment = () => 0 } = settings
    this.moment = moment
    this.clients = Array.from({ length: count }, (_, i) => {
      const first = i % endpoints.length
      const order = [...endpoints.slice(first), ...endpoints.slice(0, first)]
      return connect({ endpoints: order, timeoutMs: TIMEOUT_MS })
    })
    this.work = this.clients.map((client, i) => this.run(client, `${name}-${i}`))
  }

  /** Every write that was begun is over after this. */
  async stop(): Promise<void> {
    this.running = false
    await Promise.all(this.work)
    for (const client of this.clients) client.close()
  }

  writes(): Write[] {
    return [...this.histories.values()].flat()
  }

  private async run(client: KvClient, name: string): Promise<void> {
    const history: Write[] = []
    this.histories.set(name, history)
    const key = keyFromText(name)
    for (let value = 1; this.running; value++) {
      const startedMs = performance.now()
      const told = await this.write(client, key, value)
      history.push({
        value,
        ...told,
        moment: this.moment(),
        startedMs,
        tookMs: performance.now() - startedMs,
      })
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
  }

  private async write(
    client: KvClient,
    key: Key,
    value: number,
  ): Promise<Pick<Write, 'fate' | 'error' | 'version'>> {
    try {
      const { version } = await client.set(key, Buffer.from(String(value)))
      return { fate: 'acknowledged', error: '', version }
    } catch (thrown) {
      if (!(thrown instanceof KvError)) throw thrown
      const fate = thrown.kind.definite ? 'failed' : 'unknown'
      return { fate, error: `${thrown.code}: ${thrown.message}`, version: '' }
    }
  }
}

/** The histories as they were at a moment: whoever was told of a success later had not been told of it then. */
export function asOf(histories: Histories, moment: number): Histories {
  const then = (write: Write): Write =>
    write.fate === 'acknowledged' && write.moment > moment ? { ...write, fate: 'unknown' } : write
  return new Map([...histories].map(([name, history]) => [name, history.map(then)]))
}

/**
 * What is wrong with finding `found` in the end, after one writer wrote the numbers of `history` one after the other;
 * undefined where nothing is. The last acknowledged number must be there, unless a later one of unknown fate is.
 */
export function judge(history: readonly Write[], found: number | undefined): string | undefined {
  const last = history.findLast(({ fate }) => fate === 'acknowledged')
  if (found === undefined) return last ? `${last.value} was acknowledged, and nothing is there` : undefined
  const write = history.find(({ value }) => value === found)
  if (!write) return `${found} is there, and was never written`
  if (write.fate === 'failed') return `${found} is there, and had failed`
  if (last && found < last.value) return `${last.value} was acknowledged, and ${found} is there`
  return undefined
}

/** What is wrong with the keys of `writers`, read through each of the endpoints, by the name of their nodes. */
export async function judgeAll(
  endpoints: ReadonlyMap<string, string>,
  writers: { readonly histories: Histories },
): Promise<string[]> {
  const wrong: string[] = []
  for (const [id, endpoint] of endpoints) {
    const client = connect({ endpoints: [endpoint], timeoutMs: 10_000 })
    for (const [name, history] of writers.histories) {
      const verdict = judge(history, await readNumber(client, keyFromText(name)))
      if (verdict !== undefined) wrong.push(`${id}, ${name}: ${verdict}`)
    }
    client.close()
  }
  return wrong
}

async function readNumber(client: KvClient, key: Key): Promise<number | undefined> {
  try {
    return Number((await client.get(key)).value)
  } catch (thrown) {
    if (thrown instanceof KvError && thrown.code === 'not_found') return undefined
    throw thrown
  }
}

/** The value below which 99 of 100 are; undefined where there are none. */
export function p99(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.99) - 1]
}
