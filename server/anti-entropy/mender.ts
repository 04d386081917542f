import { type KvError, toKvError } from '../../shared/errors.ts'
import type { Key } from '../../shared/key.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import { EMPTY_RECORD } from '../causality/record.ts'
import type { Holder } from '../handoff/holder.ts'
import type { StagedRecords } from '../replica/staged-records.ts'
import type { KeyDigest } from '../rpc/repair-methods.ts'
import { FETCH, STORE } from '../rpc/replica-methods.ts'
import type { KeyDifference } from './key-differences.ts'
import type { Pace } from './pace.ts'
import type { PeerLink } from './peer-link.ts'
import { RecordDigest } from './record-digest.ts'

export interface MenderComponents {
  readonly link: PeerLink
  readonly data: StagedRecords
  readonly holder: Holder
  readonly pace: Pace
  readonly hybrid: HybridClock
}

/** Slots that are mended at a time, and records of each: enough to fill a batch, few enough not to crowd clients out. */
export const MENDERS = 24
const WINDOW = 4
const TIMEOUT_MS = 5_000
/** After so many failures in a row the peer, or this disk, has other troubles. */
const MAX_FAILURES = 8

/**
 * Brings two owners' records of a key together: what the peer holds is merged in here, and what this node then
 * holds is sent to the peer, which merges it too. Neither ever overwrites the other.
 */
export class Mender {
  /** Keys of which either side has got something new. */
  repaired = 0
  private readonly components: MenderComponents
  private underWay = 0
  /** Called when one of those under way has ended. */
  private wake: (() => void) | undefined
  private failuresInARow = 0
  private failed = 0
  private lastError: KvError | undefined

  constructor(components: MenderComponents) {
    this.components = components
  }

  /**
   * Resolves when there is room for the next. With `behind` the peer's floor is the higher one: what it does not hold
   * any more is deleted here too.
   * @throws KvError where one after the other has failed.
   */
  async mend(difference: KeyDifference, behind: boolean): Promise<void> {
    await this.components.pace.take(1)
    while (this.underWay >= WINDOW) await this.oneEnds()
    if (this.failuresInARow >= MAX_FAILURES && this.lastError !== undefined) throw this.lastError
    this.underWay++
    void this.settle(difference, behind)
  }

  /** Waits for all that is under way. @returns how many have failed since the last call. */
  async drain(): Promise<number> {
    while (this.underWay > 0) await this.oneEnds()
    const { failed } = this
    this.failed = 0
    return failed
  }

  private async settle(difference: KeyDifference, behind: boolean): Promise<void> {
    try {
      const news = await this.components.pace.observe(() => this.exchange(difference, behind))
      if (news) this.repaired++
      this.failuresInARow = 0
    } catch (error) {
      this.failed++
      this.failuresInARow++
      this.lastError = toKvError(error)
    }
    this.underWay--
    const { wake } = this
    this.wake = undefined
    wake?.()
  }

  private oneEnds(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }

  /** @returns whether either side has got something new. */
  private async exchange({ key, ours, theirs }: KeyDifference, behind: boolean): Promise<boolean> {
    const { link, hybrid, data } = this.components
    const before = this.held(key)
    if (before !== undefined && !describes(ours, key, before)) data.reconcile(key)
    let fetched: Buffer | undefined
    if (theirs !== undefined || behind) {
      const request = { key, onFloor: behind, once: true, wallMs: hybrid.wallMs() }
      fetched = (await link.ask(FETCH, request, TIMEOUT_MS)).bytes
      if (fetched.length > 0 && !(before?.equals(fetched) ?? false)) await this.mergeHere(key, fetched)
    }
    const after = this.held(key)
    if (after === undefined) return false
    const news = fetched !== undefined && !(before?.equals(after) ?? false)
    const digest = new RecordDigest().read(key, after)
    if (theirs !== undefined && theirs.lo === digest.lo && theirs.hi === digest.hi) return news
    await link.ask(STORE, { key, hintFor: '', fresh: false, bytes: after }, TIMEOUT_MS)
    return news || !(fetched?.equals(after) ?? false)
  }

  /** Encoded; undefined where this node has none, or has lost it to its disk. */
  private held(key: Key): Buffer | undefined {
    try {
      const { data } = this.components
      const record = data.durable(key, 'once')
      return record === EMPTY_RECORD ? undefined : data.encode(key, record)
    } catch (error) {
      if (toKvError(error).code === 'storage_failed') return undefined
      throw error
    }
  }

  private mergeHere(key: Key, bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.components.holder.store(key, '', bytes, 'owner', (error) =>
        error === undefined ? resolve() : reject(error),
      )
    })
  }
}

/** Whether the digest, which was read from the disk, is the record's. */
function describes(digest: KeyDigest | undefined, key: Key, record: Buffer): boolean {
  if (digest === undefined) return false
  const { lo, hi } = new RecordDigest().read(key, record)
  return digest.lo === lo && digest.hi === hi
}
