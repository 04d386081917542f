import { KvError } from '../../shared/errors.ts'
import type { BadRecords } from './bad-records.ts'
import type { CheckpointKeeper } from './checkpoint-keeper.ts'
import type { Delivery, Outcome } from './delivery.ts'
import type { Lanes } from './lanes.ts'
import type { ErrorLimit, RateLimit } from './limits.ts'
import type { Entry, Mapping } from './mapping.ts'
import type { Parsed, Parser } from './parser.ts'
import { type Job, JobQueue } from './queue.ts'

/** What has become of the records that were read; `read` is the sum of the four after it. */
export interface Tally {
  read: number
  written: number
  skipped: number
  rejected: number
  unknown: number
}

export interface ImportComponents {
  readonly chunks: AsyncIterable<Buffer>
  readonly parser: Parser
  readonly mapping: Mapping
  readonly lanes: Lanes
  readonly delivery: Delivery
  readonly keeper: CheckpointKeeper
  readonly bad: BadRecords
  readonly sleep: (ms: number) => Promise<void>
}

export interface ImportSettings {
  /** Records on their way or waiting for one of their key, at most. */
  readonly concurrency: number
  readonly rate?: RateLimit | undefined
  readonly errorLimit?: ErrorLimit | undefined
  /** Parse and count, and send nothing. */
  readonly dryRun: boolean
}

const BATCH_RECORDS = 400
const BATCH_BYTES = 1024 * 1024
/** While one is on its way the next is filled: more at a time would only make them smaller. */
const BATCHES_PER_LANE = 2

/** Above all attempts that one run makes: what an earlier run may have sent is known to be older. */
const RESUMED_ATTEMPT = 1000

/** Reads records, sends them, and keeps account. Nothing it holds grows with the size of the source. */
export class Import {
  readonly tally: Tally = { read: 0, written: 0, skipped: 0, rejected: 0, unknown: 0 }
  /** Bytes of the source that have been read. */
  bytesRead = 0
  private readonly components: ImportComponents
  private readonly settings: ImportSettings
  private readonly queue: JobQueue
  private readonly sending: number[]
  private readonly deliveries = new Set<Promise<void>>()
  /** Keys of gaps that are sent in this run: whatever may have been written for them later must be sent again. */
  private readonly reopened = new Set<string>()
  /** Records of such keys that were to be sent again, and are not written yet. */
  private owed = 0
  private number = 0
  private stopped: KvError | 'interrupted' | undefined
  private wake: () => void = () => undefined

  constructor(components: ImportComponents, settings: ImportSettings) {
    this.components = components
    this.settings = settings
    const { lanes } = components
    this.queue = new JobQueue(lanes.count, (key) => lanes.route(key))
    this.sending = Array.from({ length: lanes.count }, () => 0)
  }

  /** @returns how it ended; the tally is final then, and the checkpoint written. */
  async run(): Promise<'complete' | 'interrupted' | KvError> {
    const { chunks, parser, keeper } = this.components
    await keeper.begin()
    try {
      for await (const chunk of chunks) {
        this.bytesRead += chunk.length
        await this.take(parser.push(chunk))
        if (this.stopped) break
      }
      if (!this.stopped) await this.take(parser.end())
    } catch (thrown) {
      if (!(thrown instanceof KvError)) throw thrown
      this.stopped ??= thrown
    }
    await this.drain()
    this.checkErrors(true)
    const ending = this.stopped ?? 'complete'
    if (ending === 'complete') this.releaseGaps()
    await keeper.finish(ending === 'complete' && this.tally.unknown === 0)
    return ending
  }

  /** Reads no further; what is on its way is still finished. */
  interrupt(): void {
    this.stop('interrupted')
  }

  private async take(records: readonly Parsed[]): Promise<void> {
    for (const parsed of records) {
      if (this.stopped) return
      this.number++
      const entry = this.read(parsed)
      if (entry) await this.admit(parsed, entry)
    }
    this.pump()
    if (this.reopened.size > 0 && !this.components.keeper.mayHaveBeenSent(this.number)) this.releaseGaps()
  }

  /** @returns what to send for a record; undefined where it has its outcome already. */
  private read(parsed: Parsed): Entry | undefined {
    if (parsed.kind === 'malformed') {
      this.reject(this.number, parsed, parsed.reason)
      return undefined
    }
    const acknowledged = this.components.keeper.wasAcknowledged(this.number)
    if (acknowledged && this.reopened.size === 0) {
      this.count('skipped')
      return undefined
    }
    let entry: Entry
    try {
      entry = this.components.mapping(parsed)
    } catch (thrown) {
      if (!(thrown instanceof KvError)) throw thrown
      this.reject(this.number, parsed, thrown.message)
      return undefined
    }
    if (this.settings.dryRun || (acknowledged && !this.reopened.has(entry.key))) {
      this.count('skipped')
      return undefined
    }
    return entry
  }

  private async admit({ line, text }: Parsed, entry: Entry): Promise<void> {
    const { number, settings, queue } = this
    const { keeper, sleep } = this.components
    if (settings.rate) {
      const waitMs = settings.rate.take()
      if (waitMs > 0) this.pump()
      if (waitMs > 0) await sleep(waitMs)
    }
    if (queue.held >= settings.concurrency) await this.room()
    if (!keeper.isReserved(number)) await keeper.reserve(number)
    if (this.stopped) return
    const maybeSent = keeper.mayHaveBeenSent(number)
    const again = maybeSent && this.reopened.has(entry.key)
    if (keeper.isGap(number)) this.reopened.add(entry.key)
    if (again) this.owed++
    queue.add({
      number,
      line,
      text,
      entry,
      requestId: keeper.requestId(number, again),
      again,
      attempt: maybeSent && !again ? RESUMED_ATTEMPT : 0,
      unknown: false,
    })
  }

  /** Waits until a quarter of the room is free, so that the next batches are not of one record each. */
  private async room(): Promise<void> {
    while (this.queue.held > this.settings.concurrency * 0.75 && !this.stopped) {
      this.pump()
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
    }
  }

  private pump(): void {
    const { lanes } = this.components
    for (let lane = 0; lane < lanes.count && !this.stopped; lane++) {
      if (!lanes.isUp(lane)) this.queue.reroute(lane)
    }
    for (let lane = 0; lane < lanes.count && !this.stopped; lane++) {
      while ((this.sending[lane] as number) < BATCHES_PER_LANE) {
        const jobs = this.queue.take(lane, BATCH_RECORDS, BATCH_BYTES)
        if (jobs.length === 0) break
        this.send(lane, jobs)
      }
    }
  }

  private send(lane: number, jobs: readonly Job[]): void {
    this.sending[lane] = (this.sending[lane] as number) + 1
    const delivery = this.components.delivery
      .deliver(jobs, lane, (job, outcome) => this.settle(job, outcome))
      .catch((thrown) => this.stop(new KvError('internal', String(thrown))))
      .then(() => {
        this.sending[lane] = (this.sending[lane] as number) - 1
        this.deliveries.delete(delivery)
        this.pump()
        this.wake()
      })
    this.deliveries.add(delivery)
  }

  private settle(job: Job, outcome: Outcome): void {
    this.queue.settle(job)
    if (outcome.kind === 'written') {
      if (job.again) this.owed--
      this.components.keeper.acknowledge(job.number)
      this.count('written')
    } else if (outcome.kind === 'rejected') this.reject(job.number, job, outcome.error.message)
    else if (outcome.kind === 'unknown') {
      this.components.bad.add(job.number, job, `its outcome is unknown: ${outcome.error.message}`)
      this.count('unknown')
      this.checkErrors(false)
    } else this.stop(outcome.error)
  }

  /** Once all that may have been sent before has been read, and written where it had to be once more. */
  private releaseGaps(): void {
    if (this.owed > 0) return
    this.components.keeper.releaseGaps()
    this.reopened.clear()
  }

  private reject(number: number, place: { line: number; text: string }, reason: string): void {
    this.components.bad.add(number, place, reason)
    this.count('rejected')
    this.checkErrors(false)
  }

  private count(outcome: 'written' | 'skipped' | 'rejected' | 'unknown'): void {
    this.tally[outcome]++
    this.tally.read++
  }

  private checkErrors(atEnd: boolean): void {
    const { rejected, unknown, read } = this.tally
    if (!this.settings.errorLimit?.exceeded(rejected + unknown, read, atEnd)) return
    this.stop(
      new KvError(
        'stopped',
        `${rejected + unknown} of ${read} records failed, which is over --max-errors`,
        'see the reasons with --bad FILE',
      ),
    )
  }

  private stop(reason: KvError | 'interrupted'): void {
    this.stopped ??= reason
    this.wake()
  }

  private async drain(): Promise<void> {
    while (this.deliveries.size > 0) await Promise.race(this.deliveries)
  }
}
