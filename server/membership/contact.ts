import type { NodeId } from '../ports/network.ts'

/** This many losses of a peer in a short time cost it nothing: restarts and new links are normal. */
const FREE_FLAPS = 3

/** One loss is forgiven after this long. */
const FLAP_DECAY_MS = 10_000

const FIRST_HOLD_MS = 500
const MAX_HOLD_MS = 5000
const MAX_FLAPS = 8

/** What one node knows of its contact with one peer. Times are monotonic milliseconds. */
export interface Contact {
  readonly id: NodeId
  liveness: 'up' | 'suspect' | 'down'
  reachable: boolean
  linked: boolean
  /** The peer has answered on the present link. */
  answering: boolean
  /** The last answer; before the first, when the watch began. */
  heardMs: number
  /** Why it, or this node, will have nothing to do with the other; '' where they get on. */
  refusal: string
  /** When the link was lost; never, while there is one or has not been any. */
  lostMs: number
  /** When the present run of answers began. */
  contactMs: number
  /** When `reachable` changed last. */
  changedMs: number
  flaps: number
  /** Up to when flaps have been forgiven. */
  forgivenMs: number
}

export function newContact(id: NodeId, now: number): Contact {
  return {
    id,
    liveness: 'suspect',
    reachable: false,
    linked: false,
    answering: false,
    heardMs: now,
    refusal: '',
    lostMs: Number.POSITIVE_INFINITY,
    contactMs: now,
    changedMs: now,
    flaps: 0,
    forgivenMs: now,
  }
}

/** Time in which this node did not run is nobody's silence. */
export function passTime(contact: Contact, ms: number, now: number): void {
  contact.heardMs = Math.min(contact.heardMs + ms, now)
  if (contact.lostMs !== Number.POSITIVE_INFINITY) contact.lostMs = Math.min(contact.lostMs + ms, now)
}

/** The peer was reachable and is not any more. */
export function penalise(contact: Contact): void {
  contact.flaps = Math.min(contact.flaps + 1, MAX_FLAPS)
}

/**
 * How long a peer must answer before it is used again: nothing for the first three losses, then
 * 500 ms * 2^(flaps - 4) up to 5 s, as routers damp a route that flaps (RFC 2439). So a node that is up and
 * down every few seconds does not set off a replay of hints each time.
 */
export function settleFlaps(contact: Contact, now: number): number {
  const forgiven = Math.floor((now - contact.forgivenMs) / FLAP_DECAY_MS)
  if (forgiven > 0) {
    contact.flaps = Math.max(0, contact.flaps - forgiven)
    contact.forgivenMs += forgiven * FLAP_DECAY_MS
  }
  if (contact.flaps <= FREE_FLAPS) return 0
  return Math.min(FIRST_HOLD_MS * 2 ** (contact.flaps - FREE_FLAPS - 1), MAX_HOLD_MS)
}
