import type { NodeId } from '../ports/network.ts'
import { type Contact, newContact, passTime, penalise, settleFlaps } from './contact.ts'

export const HEARTBEAT_INTERVAL_MS = 250

/** Six heartbeats in a row without an answer: 1.5 s. */
export const SUSPECT_AFTER_MS = 6 * HEARTBEAT_INTERVAL_MS

/** A link that was lost and is not back after two heartbeats speaks against the peer as much as silence. */
export const LINK_LOSS_SUSPECT_MS = 2 * HEARTBEAT_INTERVAL_MS

/** A tick that comes this much too late shows that this process itself was paused or stalled. */
export const STALL_MS = 2 * HEARTBEAT_INTERVAL_MS

/** Deadlines grow to at most (1 + 4) times their length; each late tick adds one step, 8 punctual ones take it. */
const MAX_HEALTH_STEPS = 4
const TICKS_PER_STEP = 8

export type Liveness = 'up' | 'suspect' | 'down'

/** Told after each change of a peer; must not call back into the detector. */
export type ContactListener = (id: NodeId, liveness: Liveness, reachable: boolean) => void

const NOBODY: ReadonlySet<NodeId> = new Set()

interface Accusation {
  readonly ms: number
  readonly accused: ReadonlySet<NodeId>
}

/**
 * Who is up, from this node's own heartbeats and from what its peers observe themselves. Pure: every method is
 * given the time (monotonic milliseconds), nothing is read or awaited.
 *
 * - `suspect`: no answer for SUSPECT_AFTER_MS, or the link lost for LINK_LOSS_SUSPECT_MS.
 * - `down`: suspect here, and a peer that is itself reachable from here says the same of its own observation.
 *   So no single observer declares a node down, and a node that is cut off alone keeps the others at suspect.
 *   Only first-hand observations travel, so they need no refutation, unlike the rumours of SWIM (Das, Gupta and
 *   Motivala, 2002): a node is up again with its first answer.
 * - `reachable`: worth a request now: linked, answering on this very link, up, and not flapping.
 *
 * Detection of a dead node takes at most SUSPECT_AFTER_MS + 2 heartbeats + 1 trip, while no one stalls.
 *
 * A node that stalls (a long garbage collection, SIGSTOP, a starved machine) would find all its peers silent:
 * time in which it did not run counts as silence of nobody, and its own deadlines grow for a while
 * (Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for More Accurate Failure Detection", 2018).
 */
export class FailureDetector {
  private readonly contacts = new Map<NodeId, Contact>()
  private readonly accusations = new Map<NodeId, Accusation>()
  private readonly listener: ContactListener
  private tickMs: number | undefined
  /** In ticks; from 0 (healthy) to MAX_HEALTH_STEPS * TICKS_PER_STEP. */
  private illHealth = 0

  constructor(listener: ContactListener) {
    this.listener = listener
  }

  /** Begins to watch a peer that nothing is known of: suspect and unreachable until it answers. */
  watch(id: NodeId, now: number): void {
    if (!this.contacts.has(id)) this.contacts.set(id, newContact(id, now))
  }

  unwatch(id: NodeId): void {
    this.contacts.delete(id)
    this.accusations.delete(id)
  }

  linked(id: NodeId, now: number): void {
    const contact = this.contacts.get(id)
    if (contact === undefined) return
    contact.linked = true
    contact.lostMs = Number.POSITIVE_INFINITY
    this.interrupt(contact, now)
  }

  unlinked(id: NodeId, now: number): void {
    const contact = this.contacts.get(id)
    if (contact === undefined) return
    if (contact.linked) contact.lostMs = now
    contact.linked = false
    contact.refusal = ''
    this.interrupt(contact, now)
  }

  /** The peer answered a heartbeat. */
  answered(id: NodeId, now: number): void {
    const contact = this.contacts.get(id)
    if (contact?.linked !== true) return
    contact.heardMs = now
    contact.refusal = ''
    if (!contact.answering || contact.liveness !== 'up') contact.contactMs = now
    contact.answering = true
    this.update(contact, 'up', now)
  }

  /** The peer answers, but will not have this node, or this node will not have it: alive and of no use. */
  refused(id: NodeId, why: string, now: number): void {
    const contact = this.contacts.get(id)
    if (contact === undefined) return
    contact.refusal = why
    this.interrupt(contact, now)
  }

  /** Why most of the peers will not have this node, or it them; undefined where they will. */
  refusal(): string | undefined {
    const refusals = [...this.contacts.values()].filter(({ refusal }) => refusal !== '')
    return refusals.length * 2 > this.contacts.size ? refusals[0]?.refusal : undefined
  }

  /** What a peer has against others by its own observation; replaces what it said before. */
  accused(by: NodeId, accused: readonly NodeId[], now: number): void {
    if (this.contacts.has(by))
      this.accusations.set(by, { ms: now, accused: accused.length === 0 ? NOBODY : new Set(accused) })
  }

  /** To be called every HEARTBEAT_INTERVAL_MS. @returns how late the tick is where this process stalled, or 0. */
  tick(now: number): number {
    const lateMs = this.tickMs === undefined ? 0 : now - this.tickMs - HEARTBEAT_INTERVAL_MS
    this.tickMs = now
    const stalledMs = lateMs > STALL_MS ? lateMs : 0
    this.illHealth =
      stalledMs > 0
        ? Math.min(this.illHealth + TICKS_PER_STEP, MAX_HEALTH_STEPS * TICKS_PER_STEP)
        : Math.max(0, this.illHealth - 1)
    for (const contact of this.contacts.values()) {
      if (stalledMs > 0) passTime(contact, stalledMs, now)
      const overdue = now >= this.deadline(contact)
      const down = contact.liveness === 'down' || (overdue && this.confirmed(contact.id, now))
      this.update(contact, down ? 'down' : overdue ? 'suspect' : contact.liveness, now)
    }
    return stalledMs
  }

  liveness(id: NodeId): Liveness | undefined {
    return this.contacts.get(id)?.liveness
  }

  reachable(id: NodeId): boolean {
    return this.contacts.get(id)?.reachable === true
  }

  /** Whether this node can bear witness against the peer: it has itself waited for it in vain. */
  accuses(id: NodeId, now: number): boolean {
    const contact = this.contacts.get(id)
    return contact !== undefined && contact.liveness !== 'up' && now >= this.deadline(contact)
  }

  /** When the peer last was unreachable: `now` while it is. */
  lastUnreachableMs(id: NodeId, now: number): number {
    const contact = this.contacts.get(id)
    return contact?.reachable === true ? contact.changedMs : now
  }

  private deadline(contact: Contact): number {
    const factor = 1 + Math.ceil(this.illHealth / TICKS_PER_STEP)
    const bySilence = contact.heardMs + SUSPECT_AFTER_MS * factor
    return Math.min(bySilence, contact.lostMs + LINK_LOSS_SUSPECT_MS * factor)
  }

  private confirmed(id: NodeId, now: number): boolean {
    for (const [by, { ms, accused }] of this.accusations) {
      if (by === id || !accused.has(id)) continue
      if (this.reachable(by) && now - ms <= SUSPECT_AFTER_MS) return true
    }
    return false
  }

  private interrupt(contact: Contact, now: number): void {
    contact.answering = false
    this.update(contact, contact.liveness, now)
  }

  private update(contact: Contact, liveness: Liveness, now: number): void {
    const settled = now - contact.contactMs >= settleFlaps(contact, now)
    const reachable = contact.linked && contact.answering && liveness === 'up' && settled
    if (liveness === contact.liveness && reachable === contact.reachable) return
    if (reachable !== contact.reachable) contact.changedMs = now
    if (contact.reachable && !reachable) penalise(contact)
    contact.liveness = liveness
    contact.reachable = reachable
    this.listener(contact.id, liveness, reachable)
  }
}
