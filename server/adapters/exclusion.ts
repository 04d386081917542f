import type { KvError } from '../../shared/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'

/** Peers take up to 3 s to notice that a process of this node's which has ended abruptly is gone. */
export const LASTING_MS = 8_000

/** Peers are dialed again every two seconds or sooner: who has not said it again since did not mean it. */
const REPEATED_MS = 10_000

/**
 * Peers that will not have this node, because another one of its id is in touch with them. Where most of those that
 * it meets do so, for longer than a restart takes to be noticed, it is the other one that belongs to the ring.
 */
export class Exclusion {
  private readonly clock: Pick<Clock, 'monotonicMs'>
  private readonly said = new Map<NodeId, number>()
  private sinceMs: number | undefined
  private reason: KvError | undefined

  constructor(components: { clock: Pick<Clock, 'monotonicMs'> }) {
    this.clock = components.clock
  }

  refusedBy(peer: NodeId, reason: KvError): void {
    this.said.set(peer, this.clock.monotonicMs())
    this.reason = reason
  }

  admittedBy(peer: NodeId): void {
    this.said.delete(peer)
  }

  /** To be asked several times a second. `connected` is how many peers have a link. */
  verdict(connected: number): KvError | undefined {
    const now = this.clock.monotonicMs()
    for (const [peer, ms] of this.said) if (now - ms > REPEATED_MS) this.said.delete(peer)
    if (this.said.size <= connected) this.sinceMs = undefined
    else this.sinceMs ??= now
    return this.sinceMs !== undefined && now - this.sinceMs >= LASTING_MS ? this.reason : undefined
  }
}
