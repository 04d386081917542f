import type { CheckpointContent, ImportMark, Progress } from './checkpoint.ts'
import { IntervalSet } from './intervals.ts'

/** Numbers that are reserved at a time, ahead of what is sent. */
const RESERVED_AHEAD = 10_000

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
  private readonly acknowledged: IntervalSet
  private readonly stopTicking: () => void
  /** Gaps that are closed, but whose keys may have later records that must be sent again first. */
  private closedGaps: number[] = []
  private released: boolean
  private readonly reservedAhead: number
  private reserved: number
  private dirty = false
  private saving: Promise<void> = Promise.resolve()
  private failure: Error | undefined

  constructor(
    components: KeeperComponents,
    before: Progress,
    mark: ImportMark,
    reservedAhead = RESERVED_AHEAD,
  ) {
    this.reservedAhead = reservedAhead
    this.components = components
    this.before = before
    this.mark = mark
    this.acknowledged = new IntervalSet(before.acknowledged.toJSON())
    this.reserved = before.reserved
    this.released = before.reserved === 0
    this.stopTicking = components.every(() => this.tick())
  }

  /** In a run before this one. */
  wasAcknowledged(number: number): boolean {
    return this.before.acknowledged.has(number)
  }

  /** It may have been sent in a run before this one, with an outcome that is not known. */
  isGap(number: number): boolean {
    return this.mayHaveBeenSent(number) && !this.wasAcknowledged(number)
  }

  mayHaveBeenSent(number: number): boolean {
    return number <= this.before.reserved
  }

  /** The same in every run, so that it is applied once; a fresh one for what is to be applied again. */
  requestId(number: number, again: boolean): string {
    const { importId, resumed } = this.before
    return again ? `${importId}-${number}-${resumed}` : `${importId}-${number}`
  }

  /** Must have resolved before the first record is read: the ids of one run are not those of the next. */
  async begin(): Promise<void> {
    if (this.before.resumed > 0) await this.save(false)
  }

  /**
   * Gaps are held back until `releaseGaps`. Were one saved before the later records of its key have been sent again,
   * a run that ends in between would leave the value of the gap, and the next run would not see why to touch it.
   */
  acknowledge(number: number): void {
    if (!this.released && this.isGap(number)) this.closedGaps.push(number)
    else this.acknowledged.add(number)
    this.dirty = true
  }

  /** All that was to be sent again after a gap has been. */
  releaseGaps(): void {
    this.released = true
    for (const number of this.closedGaps) this.acknowledged.add(number)
    this.closedGaps = []
  }

  isReserved(number: number): boolean {
    return number <= this.reserved
  }

  /** Must have resolved before a record that is not reserved is sent. */
  async reserve(number: number): Promise<void> {
    this.reserved = number + this.reservedAhead
    await this.save(false)
  }

  async finish(complete: boolean): Promise<void> {
    this.stop()
    await this.save(complete)
  }

  /** Nothing is saved now and then any more: the end of an import, and of one that could not go on. */
  stop(): void {
    this.stopTicking()
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
