import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'

export interface HintPatienceComponents {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly ring: {
    hintHolders(owner: NodeId): readonly NodeId[]
    mayHoldHintsElsewhere(owner: NodeId): boolean
  }
}

/** Hints are delivered within seconds; where they cannot be, comparisons go on without them. */
export const PATIENCE_MS = 30_000

/**
 * While hints for one of two owners are on their way, what differs between them is mostly what the hints bring: a
 * comparison would send it a second time, and report as damage what is none.
 */
export class HintPatience {
  private readonly components: HintPatienceComponents
  private readonly self: NodeId
  /** When hints that concern the peer were first seen to wait. */
  private readonly since = new Map<NodeId, number>()

  constructor(components: HintPatienceComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  /** Whether a comparison with the peer should wait a little: for PATIENCE_MS at the most, at a stretch. */
  asksFor(peer: NodeId): boolean {
    const { clock, ring } = this.components
    if (ring.hintHolders(peer).length === 0 && ring.hintHolders(this.self).length === 0) {
      this.since.delete(peer)
      return false
    }
    const now = clock.monotonicMs()
    const since = this.since.get(peer) ?? now
    this.since.set(peer, since)
    return now - since < PATIENCE_MS
  }

  /** Nobody keeps a hint for the peer: it holds all that was acknowledged in its name. */
  settled(peer: NodeId): boolean {
    const { ring } = this.components
    return ring.hintHolders(peer).length === 0 && !ring.mayHoldHintsElsewhere(peer)
  }
}
