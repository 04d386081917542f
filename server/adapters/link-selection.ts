import type { LinkState } from '../ports/network.ts'

/** What the choice between the links to one peer depends on. */
export interface Choosable {
  readonly dialed: boolean
  readonly session: { readonly process: string }
  readonly silentSweeps: number
  drain(): void
  destroy(why: string): void
}

/** A link that is heard from shows after this many sweeps that the other one, silent, is dead. */
const SILENT_SWEEPS = 3

/** Peers are heard several times between two sweeps: one that was silent for as many does not run any more. */
const GONE_SWEEPS = 2

/**
 * The links to one peer: one at rest, and two for a moment where both sides have dialed. Both are then read,
 * and both sides send on the one that the node with the lower id has dialed; the node that has dialed the
 * other lets it run out as soon as it hears the peer on the first. So no message is lost on the way from one
 * to the other, and neither side ever closes the link that the other has settled on.
 */
export class LinkSelection<Link extends Choosable> {
  private readonly selfIsLower: boolean
  private dialed: Link | undefined
  private accepted: Link | undefined
  /** The link to send on. */
  current: Link | undefined

  constructor(selfIsLower: boolean) {
    this.selfIsLower = selfIsLower
  }

  /**
   * Whether another process of the peer runs, and is in touch. A process that starts anew finds that the links of
   * the one before are gone; one that does not is a second node with the same id, be it on a copied disk.
   */
  heldAgainst(process: string): boolean {
    return this.all().some((link) => link.session.process !== process && link.silentSweeps < GONE_SWEEPS)
  }

  /** @returns the transitions that the network has to tell. */
  add(link: Link): LinkState[] {
    // A peer dials again only when it has no link: the new link shows that those from its former process,
    // or from its former dial, are dead, although the news has not come yet.
    for (const old of [this.dialed, this.accepted]) {
      if (old === undefined) continue
      const restarted = old.session.process !== link.session.process
      if (!restarted && old.dialed !== link.dialed) continue
      this.discard(old)
      old.destroy(restarted ? 'the peer has restarted' : 'the peer has dialed again')
    }
    const before = this.current
    if (link.dialed) this.dialed = link
    else this.accepted = link
    return this.choose(before)
  }

  /** The link is down. @returns the transitions that the network has to tell. */
  remove(link: Link): LinkState[] {
    const before = this.current
    this.discard(link)
    return this.choose(before)
  }

  /** Called after each sweep of the links, while there are two. */
  settle(): void {
    const { dialed, accepted } = this
    if (dialed === undefined || accepted === undefined) return
    if (this.selfIsLower) {
      // The peer, having lost the link that counts, has dialed: only its silence tells.
      if (accepted.silentSweeps === 0 && dialed.silentSweeps >= SILENT_SWEEPS) {
        dialed.destroy('the peer has dialed again')
      }
    } else if (accepted.silentSweeps === 0) {
      this.dialed = undefined
      dialed.drain()
    }
  }

  all(): Link[] {
    return [this.dialed, this.accepted].filter((link) => link !== undefined)
  }

  private discard(link: Link): void {
    if (this.dialed === link) this.dialed = undefined
    if (this.accepted === link) this.accepted = undefined
  }

  private choose(before: Link | undefined): LinkState[] {
    const first = this.selfIsLower ? this.dialed : this.accepted
    this.current = first ?? this.dialed ?? this.accepted
    if (before === undefined) return this.current === undefined ? [] : ['connected']
    // Not the current link any more but there still: what was sent on it arrives.
    if (before === this.dialed || before === this.accepted) return []
    return this.current === undefined ? ['disconnected'] : ['disconnected', 'connected']
  }
}
