import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { Actor, Dot } from '../causality/dot.ts'
import type { HybridClock } from '../causality/hybrid-clock.ts'
import type { Stamp } from '../causality/stamp.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { GroupCommit } from './group-commit.ts'

/** Dots that are reserved at a time; the next block is asked for when half of one is used. */
export const COUNTER_BLOCK = 100_000

/**
 * Stamps are reserved this far ahead of the wall clock, milliseconds. After a crash the first stamps may be as far
 * ahead of the clock, so it stays well below the smallest sensible max-skew.
 */
export const STAMP_AHEAD_MS = 4_000

/** Reserved beyond a stamp that was observed from ahead of the wall clock, milliseconds. */
const OBSERVED_AHEAD_MS = 100

const ACTOR_KEY = Buffer.from('mactor')
const FORMAT = 2

/** Names one run of the process; enough that no two runs ever share one. */
const LIFE_BYTES = 8

/** What the disk knows of the node's dots and stamps. */
interface Reservation {
  /** Every dot that was given out is below it. */
  readonly counter: number
  /** No stamp that was made is above it. */
  readonly wallMs: number
}

export interface MinterComponents {
  readonly storage: Storage
  readonly hybrid: HybridClock
  readonly commit: GroupCommit
  readonly random: Random
}

export interface Minted {
  readonly dot: Dot
  readonly stamp: Stamp
}

/**
 * Gives every write its dot and its stamp, and never the same dot twice: blocks of counters, and a stretch of time,
 * are durable before the first of them is used.
 *
 * An actor remembers all that it wrote. That holds for one run of the process and no longer: nothing on a disk can
 * tell whether the disk is the one that the run before has left, or a snapshot of it that was taken earlier, even
 * after a stop in good order, and was put back since. So each run draws a name of its own, and a disk that was
 * restored, copied or emptied has nothing to take back. Where something is lost during a run (a record that the disk
 * has damaged, a hint that was handed over) the node goes on under a new generation, named after the counter at
 * which it began: counters only rise, so no generation comes twice.
 */
export class Minter {
  private readonly components: MinterComponents
  private readonly settings: { id: string }
  private life = ''
  private next = 1
  private ceiling = 0
  private wallCeiling = 0
  /** Also before the node has recovered and after it was closed: then nothing is reserved. */
  private extending = true
  private hintsLeft = false
  private generation = 0
  private owner: Actor = ''
  private fallback: Actor = ''

  constructor(components: MinterComponents, settings: { id: string }) {
    this.components = components
    this.settings = settings
  }

  /** Must have resolved before the first dot is asked for. */
  async recover(): Promise<void> {
    const { storage, hybrid, random } = this.components
    const bytes = storage.get(ACTOR_KEY)
    const before = bytes === undefined ? undefined : readReservation(bytes)
    this.life = random.bytes(LIFE_BYTES).toString('hex')
    this.next = before?.counter ?? 1
    this.generation = this.next
    if (before !== undefined) hybrid.recover({ wallMs: before.wallMs, logical: 0 })
    this.nameActors()
    // No time beyond what the disk has until the wall clock is trusted.
    const wallMs = Math.max(before?.wallMs ?? 0, (hybrid.physicalMs() ?? -STAMP_AHEAD_MS) + STAMP_AHEAD_MS)
    const counter = this.next + COUNTER_BLOCK
    await storage.commit([{ type: 'put', key: ACTOR_KEY, value: reservation({ counter, wallMs }) }])
    this.ceiling = counter
    this.raise(wallMs)
    this.extending = false
  }

  /** The present has been reserved: stamps would not lag behind the wall clock, nor what expires by them. */
  get timely(): boolean {
    const wallMs = this.components.hybrid.physicalMs()
    return wallMs === undefined || wallMs < this.wallCeiling
  }

  /** How the names of all actors of this node begin, for as long as it runs. */
  get actors(): string {
    return `${this.settings.id}.${this.life}`
  }

  /** Every dot that was given out is up to here, and every further one above. */
  get counter(): number {
    return this.next - 1
  }

  /** @returns undefined when the reserved counters or time are used up and the next are not durable yet. */
  mint(role: 'owner' | 'fallback'): Minted | undefined {
    this.extend()
    if (this.next >= this.ceiling || !this.timely) return undefined
    const actor = role === 'owner' ? this.owner : this.fallbackActor()
    return { dot: { actor, counter: this.next++ }, stamp: this.components.hybrid.now() }
  }

  /** The node may have lost a record that it wrote as an owner. */
  forgetRecord(): void {
    this.generation = this.next++
    this.nameActors()
  }

  /** Hints that this node wrote have left it. */
  forgetHint(): void {
    this.hintsLeft = true
  }

  /** Reserves more counters and time when half of either is used. Call it several times a second as well. */
  extend(): void {
    const wallMs = this.components.hybrid.physicalMs() ?? Number.NEGATIVE_INFINITY
    const lastMs = this.components.hybrid.last().wallMs
    const enoughTime = this.wallCeiling - wallMs > STAMP_AHEAD_MS / 2 && lastMs < this.wallCeiling
    if (this.extending || (enoughTime && this.ceiling - this.next > COUNTER_BLOCK / 2)) return
    this.extending = true
    const counter = this.next + COUNTER_BLOCK
    // Stamps that were observed may lie ahead of this clock, and those made after them do too. No more than a
    // little is reserved beyond: a node that crashes often must not climb away from the clocks.
    const ahead = Math.max(this.wallCeiling, lastMs + OBSERVED_AHEAD_MS, wallMs + STAMP_AHEAD_MS)
    const value = reservation({ counter, wallMs: ahead })
    this.components.commit.add({ type: 'put', key: ACTOR_KEY, value }, (error) => {
      this.extending = false
      if (error !== undefined) return
      this.ceiling = counter
      this.raise(ahead)
    })
  }

  /** The last thing a node does in good order: nothing may be minted afterwards. */
  async close(): Promise<void> {
    this.ceiling = 0
    this.extending = true
    const { hybrid } = this.components
    const wallMs = Math.max(hybrid.last().wallMs + 1, hybrid.physicalMs() ?? 0)
    const value = reservation({ counter: this.next, wallMs })
    await this.components.storage.commit([{ type: 'put', key: ACTOR_KEY, value }])
  }

  private fallbackActor(): Actor {
    if (this.hintsLeft) {
      this.hintsLeft = false
      this.fallback = this.actor(`f${this.next.toString(36)}`)
    }
    return this.fallback
  }

  private raise(wallMs: number): void {
    this.wallCeiling = wallMs
    this.components.hybrid.raiseCeiling(wallMs)
  }

  private nameActors(): void {
    this.owner = this.actor(this.generation.toString(36))
    this.fallback = this.actor(`f${this.next.toString(36)}`)
  }

  private actor(generation: string): Actor {
    return `${this.actors}.${generation}`
  }
}

function reservation({ counter, wallMs }: Reservation): Buffer {
  return new ByteWriter(17).u8(FORMAT).u53(counter).u53(wallMs).finish()
}

/** @throws RangeError for a format that is not known here. */
function readReservation(bytes: Buffer): Reservation {
  const reader = new ByteReader(bytes)
  const format = reader.u8()
  if (format === 1) {
    // It began with the incarnation and the generation, by which actors were named then.
    reader.text()
    reader.u53()
  } else if (format !== FORMAT) {
    throw new RangeError(`the actor's reservation has the unknown format ${format}`)
  }
  return { counter: reader.u53(), wallMs: reader.u53() }
}
