import type { CheckpointContent, ImportMark, Progress } from './checkpoint.ts'
import { IntervalSet } from './intervals.ts'

/** Numbers that are reserved at a time, ahead of what is sent. */
const RESERVED_AHEAD = 100_000

export interface KeeperComponents {
  /** Resolves when it is durable. Absent where no checkpoint is kept. */
  readonly save?: ((content: CheckpointContent) => Promise<void>) | undefined
  /** Calls `tick` now and then. @returns how to stop it. */
  readonly every: (tick: () => void) => () => void
}

/**
 * Knows which records have been acknowledged, in this run and those before it, and keeps that on disk. Before a
 * record is sent its number is reserved durably, so that a later run knows which ones may have been sent.
 */
export class CheckpointKeeper {
  private readonly components: KeeperComponents
  private readonly mark: ImportMark
  private readonly before: Progress
  private readonly highestBefore: number
  private readonly acknowledged: IntervalSet
  private readonly stopTicking: () => void
  /** Gaps that are closed, but whose keys may have later records that must be sent again first. */
  private readonly closedGaps: number[] = []
  private reserved: number
  private dirty = false
  private saving: Promise<void> = Promise.resolve()
  private failure: Error | undefined

  constructor(components: KeeperComponents, before: Progress, mark: ImportMark) {
    this.components = components
    this.before = before
    this.mark = mark
    this.highestBefore = before.acknowledged.highest
    this.acknowledged = new IntervalSet(before.acknowledged.toJSON())
    this.reserved = before.reserved
    this.stopTicking = components.every(() => this.tick())
  }

  /** In a run before this one. */
  wasAcknowledged(number: number): boolean {
    return this.before.acknowledged.has(number)
  }

  /** Not acknowledged in a run before this one, but a later one was. */
  isGap(number: number): boolean {
    return number < this.highestBefore && !this.wasAcknowledged(number)
  }

  mayHaveBeenSent(number: number): boolean {
    return number <= this.before.reserved
  }

  /** The same in every run, so that it is applied once; a fresh one for what is to be applied again. */
  requestId(number: number, again: boolean): string {
    const { importId, resumed } = this.before
    return again ? `${importId}-${number}-${resumed}` : `${importId}-${number}`
  }

  /**
   * Gaps are held back until `finish`. Were one saved before the later records of its key have been sent again,
   * a run that ends in between would leave the value of the gap, and the next run would not see why to touch it.
   */
  acknowledge(number: number): void {
    if (this.isGap(number)) this.closedGaps.push(number)
    else this.acknowledged.add(number)
    this.dirty = true
  }

  /** Whether all records up to the last one that was acknowledged before this run have been read. */
  isPastGaps(number: number): boolean {
    return number >= this.highestBefore
  }

  isReserved(number: number): boolean {
    return number <= this.reserved
  }

  /** Must have resolved before a record that is not reserved is sent. */
  async reserve(number: number): Promise<void> {
    this.reserved = number + RESERVED_AHEAD
    await this.save(false)
  }

  /** `gapsClosed` says that all which was to be sent again after a gap has been. */
  async finish(complete: boolean, gapsClosed: boolean): Promise<void> {
    this.stopTicking()
    if (gapsClosed) for (const number of this.closedGaps) this.acknowledged.add(number)
    await this.save(complete)
  }

  private tick(): void {
    if (!this.dirty) return
    // What goes wrong is told by the next save that is waited for.
    this.save(false).catch(() => undefined)
  }

  private save(complete: boolean): Promise<void> {
    const { save } = this.components
    if (!save) return Promise.resolve()
    this.saving = this.saving.then(async () => {
      if (this.failure !== undefined) throw this.failure
      this.dirty = false
      try {
        await save({
          version: 1,
          ...this.mark,
          importId: this.before.importId,
          resumed: this.before.resumed,
          acknowledged: this.acknowledged.toJSON(),
          reserved: this.reserved,
          complete,
        })
      } catch (thrown) {
        this.failure = thrown as Error
        throw thrown
      }
    })
    return this.saving
  }
}
