import type { Key } from '../../shared/key.ts'
import type { Entry } from './mapping.ts'

/** A record on its way to the ring. */
export interface Job {
  /** Which record of the source it is, from 1. */
  readonly number: number
  readonly line: number
  readonly text: string
  readonly entry: Entry
  readonly requestId: string
  /** An earlier record of its key may have been written after it in this run: it must be written once more. */
  readonly again: boolean
  /** Which attempt it is, from 0: it may have been sent before, in an earlier run or without an answer. */
  attempt: number
  /** An attempt of this run got no answer, so only a success can still tell its outcome. */
  unknown: boolean
}

/**
 * Records that are ready to be sent, by lane, with at most one of each key on its way at a time: a later record
 * of a key waits until the earlier one has its outcome, so that the last one of the source wins.
 */
export class JobQueue {
  private readonly route: (key: Key) => number
  private readonly ready: Job[][]
  /** Keys on their way or ready, each with the jobs that wait for it. */
  private readonly busy = new Map<Key, Job[]>()
  private count = 0

  /** `route` names the lane of a key, from 0 to `lanes` - 1, and may change its mind. */
  constructor(lanes: number, route: (key: Key) => number) {
    this.route = route
    this.ready = Array.from({ length: lanes }, () => [])
  }

  /** Jobs that were added and are not settled. */
  get held(): number {
    return this.count
  }

  add(job: Job): void {
    this.count++
    const waiting = this.busy.get(job.entry.key)
    if (waiting) waiting.push(job)
    else {
      this.busy.set(job.entry.key, [])
      this.place(job)
    }
  }

  /** The next jobs of a lane to send together: at least one where there is any, within both limits otherwise. */
  take(lane: number, most: number, mostBytes: number): Job[] {
    const ready = this.ready[lane] as Job[]
    let bytes = 0
    let count = 0
    for (const job of ready) {
      bytes += job.entry.value.length
      if (count === most || (bytes > mostBytes && count > 0)) break
      count++
    }
    return ready.splice(0, count)
  }

  /** Finds new lanes for what is ready in one that has failed. */
  reroute(lane: number): void {
    for (const job of (this.ready[lane] as Job[]).splice(0)) this.place(job)
  }

  /** The job has its outcome: the next one of its key may go. */
  settle(job: Job): void {
    this.count--
    const { key } = job.entry
    const following = this.busy.get(key)?.shift()
    if (following) this.place(following)
    else this.busy.delete(key)
  }

  private place(job: Job): void {
    this.ready[this.route(job.entry.key)]?.push(job)
  }
}
