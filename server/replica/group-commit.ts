import { KvError, toKvError } from '../../shared/errors.ts'
import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Clock } from '../ports/clock.ts'
import type { Storage, StorageOp } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'

/** Turns of the event loop in which a batch gathers, at most. */
const MAX_TURNS = 8

/** How many batches the disk has taken in all its life goes along with each. */
const COUNT_KEY = Buffer.from('mcommits')

/** Called once: without an error when what was asked for is durable. */
export type Durable = (error: KvError | undefined) => void

/**
 * Group commit (DeWitt et al., "Implementation Techniques for Main Memory Database Systems", 1984, section 5):
 * while one batch is on its way to the disk the next one gathers, so that one fsync serves many writers.
 * Nothing is acknowledged before its batch has resolved. After a failed batch nobody knows what is on the disk:
 * every later write is refused.
 */
export class GroupCommit {
  private readonly clock: Clock
  private readonly storage: Storage
  private readonly trace: Trace
  private readonly maxQueuedBytes: number
  private readonly riders: (() => readonly StorageOp[])[] = []
  private queue: StorageOp[] = []
  /** For each of the queue. */
  private waiters: (Durable | undefined)[] = []
  /** Those who wait for all that was added before. */
  private barriers: Durable[] = []
  private queuedBytes = 0
  private flying = false
  private scheduled = false
  private failure: KvError | undefined
  private idleWaiters: (() => void)[] = []
  private batches = 0
  /** Undefined until the disk has been asked. */
  private taken: number | undefined
  private durable = 0

  constructor(
    components: { clock: Clock; storage: Storage; trace: Trace },
    settings: { maxQueuedBytes: number },
  ) {
    this.clock = components.clock
    this.storage = components.storage
    this.trace = components.trace
    this.maxQueuedBytes = settings.maxQueuedBytes
  }

  /**
   * Why writes are refused now, if they are. Ask before anything is staged that counts on a commit. `makesRoom` for
   * what only deletes: a disk without room takes that as long as it can.
   */
  refusal(makesRoom = false): KvError | undefined {
    if (this.failure !== undefined) return this.failure
    const shortage = makesRoom ? undefined : this.storage.shortage?.()
    if (shortage !== undefined) return shortage
    if (this.queuedBytes < this.maxQueuedBytes) return undefined
    return new KvError('overloaded', `${this.queuedBytes} bytes wait for the disk`, 'slow down and try again')
  }

  /** Set once a commit has failed. */
  get failed(): KvError | undefined {
    return this.failure
  }

  get commits(): number {
    return this.batches
  }

  /** Batches that the disk has taken for sure, in all its life. */
  get lifetime(): number {
    this.taken ??= this.recall()
    return this.durable
  }

  /** The disk has taken `count` batches, as others remember, and counts from there on. @returns whether it knew less. */
  reach(count: number): boolean {
    if (this.lifetime >= count) return false
    this.taken = Math.max(this.taken ?? 0, count)
    return true
  }

  /** `rider` gives operations that go along with every batch: counters that must match the data. */
  ride(rider: () => readonly StorageOp[]): void {
    this.riders.push(rider)
  }

  add(op: StorageOp, done?: Durable): void {
    this.queue.push(op)
    this.waiters.push(done)
    this.queuedBytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
    this.schedule()
  }

  /** Calls back when all that has been added is durable. */
  barrier(done: Durable): void {
    if (this.flying || this.queue.length > 0) this.barriers.push(done)
    else done(this.failure)
  }

  /** Resolves when nothing waits for the disk. */
  idle(): Promise<void> {
    if (!this.flying && this.queue.length === 0) return Promise.resolve()
    return new Promise((resolve) => this.idleWaiters.push(resolve))
  }

  /**
   * Once a turn of the event loop has brought nothing more, or a few have: what arrives together, from however many
   * peers and clients, is committed together. A commit costs ten times what it costs to add a record to one.
   */
  private schedule(): void {
    if (this.flying || this.scheduled) return
    this.scheduled = true
    this.gather(1)
  }

  private gather(turn: number): void {
    const before = this.queue.length
    this.clock.after(0, () => {
      if (this.queue.length > before && turn < MAX_TURNS) return this.gather(turn + 1)
      this.scheduled = false
      this.flush()
    })
  }

  private flush(): void {
    if (this.flying || this.queue.length === 0) return
    const { queue: batch } = this
    const waiters = [...this.waiters, ...this.barriers]
    this.queue = []
    this.waiters = []
    this.barriers = []
    this.queuedBytes = 0
    if (this.failure !== undefined) return this.settle(waiters, this.failure)
    this.flying = true
    this.batches++
    for (const rider of this.riders) batch.push(...rider())
    const count = (this.taken ?? this.recall()) + 1
    this.taken = count
    batch.push({ type: 'put', key: COUNT_KEY, value: new ByteWriter(7).u53(count).finish() })
    this.storage.commit(batch).then(
      () => {
        this.durable = count
        this.settle(waiters, undefined)
      },
      (error) => {
        const { message, hint } = toKvError(error)
        this.failure = new KvError('storage_failed', `the disk refused a commit: ${message}`, hint)
        this.trace.event('error', 'storage.failed', { why: this.failure.message })
        this.settle(waiters, this.failure)
      },
    )
  }

  private recall(): number {
    const stored = this.storage.get(COUNT_KEY)
    this.durable = stored === undefined ? 0 : new ByteReader(stored).u53()
    return this.durable
  }

  private settle(waiters: readonly (Durable | undefined)[], error: KvError | undefined): void {
    this.flying = false
    for (const done of waiters) done?.(error)
    if (this.queue.length > 0) return this.schedule()
    const { barriers } = this
    this.barriers = []
    for (const done of barriers) done(error)
    const idle = this.idleWaiters
    this.idleWaiters = []
    for (const resolve of idle) resolve()
  }
}
