import { KvError } from '../../shared/errors.ts'
import { type Key, keyToText } from '../../shared/key.ts'
import type { Context } from '../causality/context.ts'
import { type Dot, sameDot } from '../causality/dot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import {
  type ConflictPolicy,
  EMPTY_RECORD,
  type KeyRecord,
  MAX_SIBLING_BYTES,
  MAX_SIBLINGS,
} from '../causality/record.ts'
import { CorruptRecord, decodeRecord, encodeRecord } from '../causality/record-codec.ts'
import { type Settlement, settlementOf } from '../causality/retirement.ts'
import { compareStamps, type Stamp } from '../causality/stamp.ts'
import { covers } from '../causality/version-vector.ts'
import { restampSibling, rewriteSibling, winner, writeRecord } from '../causality/write.ts'
import type { Trace } from '../ports/trace.ts'
import { FloorGuard, type Origin } from './floor-guard.ts'
import type { Floors } from './floors.ts'
import type { Durable, GroupCommit } from './group-commit.ts'
import type { Minter } from './minter.ts'
import type { StagedRecords } from './staged-records.ts'

/** A write as its coordinator applies it. */
export interface Write {
  /** null deletes. */
  readonly value: Buffer | null
  /** Milliseconds from the write's stamp on; 0 is never. */
  readonly ttlMs: number
  readonly context: Context | undefined
  readonly request: string
  /** Which attempt at `request` it is, from 0. */
  readonly attempt: number
}

/** A write that has been staged: not durable yet. */
export interface Written {
  readonly dot: Dot
  /** The whole record with the write in it, as it goes to the other owners. */
  readonly bytes: Buffer
  readonly before: KeyRecord
}

/** An owner's answer to a record that it was sent. */
export interface StoreAck {
  /** Under `lww`, the stamp of what this owner holds instead of the record's value: it is higher. */
  readonly outrankedBy: Stamp | undefined
  /** False where this owner has to be given what else there is of the slot first. */
  readonly complete: boolean
}

export type StoreReply = (error: KvError | undefined, ack?: StoreAck) => void

export interface ReplicaComponents {
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly hybrid: HybridClock
  readonly floors: Floors
  readonly trace: Trace
  readonly policy: () => ConflictPolicy
  /** This node, as an owner, holds all that it should of the key's slot. */
  readonly complete: (key: Key) => boolean
}

/**
 * What one holder does with a record, in its data or among its hints: apply a client's write, or merge what a
 * peer sent. Both build on what is staged and call back when the result is durable.
 */
export class Replica {
  private readonly components: ReplicaComponents
  private readonly guard: FloorGuard

  constructor(components: ReplicaComponents) {
    this.components = components
    this.guard = new FloorGuard(components.floors)
  }

  /**
   * Gives a client's write its dot and stamp and stages it. Where an earlier attempt at the same request is here
   * already, this one takes that over instead.
   * @throws KvError where nothing has been staged: definite, unless a later attempt has been here before.
   */
  write(records: StagedRecords, role: 'owner' | 'fallback', key: Key, write: Write, done: Durable): Written {
    const { commit, minter } = this.components
    const refusal = commit.refusal(write.value === null)
    if (refusal !== undefined) throw refusal
    const before = records.latest(key)
    const top = winner(before)
    if (
      top !== undefined &&
      !this.components.hybrid.observe(top.stamp) &&
      !coveredBy(write.context, top.dot)
    ) {
      throw this.tooFarAhead(top.stamp)
    }
    const settlement = settlementOf(before, write.request)
    if (settlement !== undefined) return this.takeOver(records, role, key, before, settlement, write, done)
    const minted = minter.mint(role)
    if (minted === undefined) throw new KvError('overloaded', 'the next block of dots is not durable yet')
    const { dot, stamp } = minted
    const { value, request, attempt } = write
    const record = writeRecord(
      this.guard.rest(key, before),
      { dot, stamp, value, expiresAtMs: expiry(stamp, write), request, attempt },
      write.context,
      this.components.policy(),
    )
    checkSiblings(key, before, record)
    return this.staged(records, key, dot, record, before, done)
  }

  /**
   * Stamps a write again, above all that this node has observed; under `lww` with a new dot. undefined where there is
   * no dot, or the write was replaced meanwhile: then it cannot be lifted any more.
   */
  restamp(
    records: StagedRecords,
    role: 'owner' | 'fallback',
    key: Key,
    dot: Dot,
    write: Write,
    done: Durable,
  ): Written | undefined {
    const { policy, minter, hybrid } = this.components
    const before = records.latest(key)
    const { attempt } = write
    if (policy() === 'siblings') {
      const stamp = hybrid.now()
      const record = restampSibling(before, dot, { stamp, expiresAtMs: expiry(stamp, write), attempt })
      return record === undefined ? undefined : this.staged(records, key, dot, record, before, done)
    }
    const minted = minter.mint(role)
    if (minted === undefined) return undefined
    const again = { ...minted, expiresAtMs: expiry(minted.stamp, write), attempt }
    const record = rewriteSibling(before, dot, again)
    return record === undefined ? undefined : this.staged(records, key, minted.dot, record, before, done)
  }

  /** Merges what was read elsewhere, so that the next write builds on it. */
  absorb(records: StagedRecords, key: Key, incoming: KeyRecord): void {
    if (this.components.commit.refusal() !== undefined) return
    if (!incoming.siblings.every(({ stamp }) => this.components.hybrid.observe(stamp))) return
    const latest = records.latest(key)
    const merged = this.guard.merged(key, latest, incoming)
    if (merged !== latest) records.stage(key, merged, () => undefined, undefined, latest)
  }

  /** Merges a record that a peer sent. `bytes` may share memory with a message. */
  store(records: StagedRecords, key: Key, bytes: Buffer, origin: Origin, done: StoreReply): void {
    const own = Buffer.from(bytes)
    const incoming = decodeIncoming(key, own)
    if (incoming instanceof KvError) return done(incoming)
    const refusal = this.components.commit.refusal(incoming.siblings.every(({ value }) => value === null))
    if (refusal !== undefined) return done(refusal)
    for (const { stamp } of incoming.siblings) {
      if (!this.components.hybrid.observe(stamp)) return done(this.tooFarAhead(stamp))
    }
    const latest = records.latest(key)
    const late = this.guard.late(key, incoming, latest, origin)
    if (late !== undefined) return done(late)
    const merged = this.guard.merged(key, latest, incoming)
    const ack: StoreAck = {
      outrankedBy: outranks(merged, incoming),
      complete: this.components.complete(key),
    }
    const answer: Durable = (error) => (error === undefined ? done(undefined, ack) : done(error))
    if (merged === latest || merged === EMPTY_RECORD) records.whenDurable(key, answer)
    else records.stage(key, merged, answer, merged === incoming ? own : undefined, latest)
  }

  /**
   * The request was applied before: it is not applied again, but as long as it is not answered gets a new stamp. Where
   * another write has replaced it, and something else wins, that may be what it must rank above: what came between
   * and was not lifted either ranks anywhere. Where one value is left, that has replaced all the others.
   * @throws KvError `outcome_unknown`
   */
  private takeOver(
    records: StagedRecords,
    role: 'owner' | 'fallback',
    key: Key,
    before: KeyRecord,
    { dot, attempt, sibling }: Settlement,
    write: Write,
    done: Durable,
  ): Written {
    if (attempt > write.attempt)
      throw new KvError('outcome_unknown', 'a later attempt at the request came first')
    const top = winner(before)
    const outranked = top !== undefined && !sameDot(top.dot, dot) && !coveredBy(write.context, top.dot)
    // The other owners say by what they outrank it; of this one nobody asks.
    if (sibling !== undefined && (attempt < write.attempt || outranked)) {
      const restamped = this.restamp(records, role, key, dot, write, done)
      if (restamped !== undefined) return restamped
    }
    const settled = sibling === undefined && before.siblings.length === 1
    if (outranked && !settled && this.components.policy() === 'lww')
      throw new KvError('outcome_unknown', 'another write of the same key came in between')
    // Not before this call returns, as with a write that is staged: the caller has not seen `Written` yet.
    void Promise.resolve().then(() => records.whenDurable(key, done))
    return { dot, bytes: encodeRecord(key, before), before }
  }

  private staged(
    records: StagedRecords,
    key: Key,
    dot: Dot,
    record: KeyRecord,
    before: KeyRecord,
    done: Durable,
  ): Written {
    const bytes = encodeRecord(key, record)
    records.stage(key, record, done, bytes, before)
    return { dot, bytes, before }
  }

  private tooFarAhead(stamp: Stamp): KvError {
    this.components.trace.event('warn', 'clock.stamp_refused', { wallMs: stamp.wallMs })
    return new KvError(
      'clock_skew',
      'a record carries a stamp too far in the future: some clock is wrong',
      'compare the clocks of the nodes: kv node list',
    )
  }
}

function coveredBy(context: Context | undefined, dot: Dot): boolean {
  return context !== undefined && covers(context.vector, dot)
}

/** @throws KvError `conflict` where a write adds a value to too many. */
function checkSiblings(key: Key, before: KeyRecord, after: KeyRecord): void {
  const count = after.siblings.length
  if (count < 2 || count <= before.siblings.length) return
  let bytes = 0
  for (const { value } of after.siblings) bytes += value?.length ?? 0
  if (count <= MAX_SIBLINGS && bytes <= MAX_SIBLING_BYTES) return
  throw new KvError(
    'conflict',
    `${keyToText(key)} has ${count - 1} concurrent values already, ${bytes} bytes with this one`,
    `look at them, and resolve them to one: kv siblings show ${keyToText(key)}`,
  )
}

function expiry(stamp: Stamp, { ttlMs }: Write): number {
  return ttlMs === 0 ? 0 : stamp.wallMs + ttlMs
}

function decodeIncoming(key: Key, bytes: Buffer): KeyRecord | KvError {
  try {
    return decodeRecord(key, bytes)
  } catch (error) {
    if (error instanceof CorruptRecord)
      return new KvError('usage', `a damaged record was sent: ${error.message}`)
    throw error
  }
}

/**
 * The stamp that keeps the incoming value from winning here under `lww`, if one does. Also where all concurrent versions
 * are kept: the policy may change one day, and readers must not see an older write then.
 */
function outranks(merged: KeyRecord, incoming: KeyRecord): Stamp | undefined {
  const ours = winner(incoming)
  const theirs = winner(merged)
  if (ours === undefined || theirs === undefined || covers(incoming.past, theirs.dot)) return undefined
  // Equal stamps are ranked by their actors: what wins with the same stamp outranks as well.
  const higher = compareStamps(theirs.stamp, ours.stamp) >= 0 && !sameDot(theirs.dot, ours.dot)
  return higher ? theirs.stamp : undefined
}
