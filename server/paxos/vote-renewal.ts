import { toKvError } from '../../shared/errors.ts'
import { isMember, type Layout } from '../membership/layout.ts'
import type { LayoutStore } from '../membership/layout-store.ts'
import type { MemberView } from '../membership/member-view.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import type { LayoutChange } from './layout-change.ts'

/** Between two looks, milliseconds; twice as long after each that was in vain, up to the longest. */
const LOOK_EVERY_MS = 5_000
const LONGEST_PAUSE_MS = 60_000

export interface VoteRenewalComponents {
  readonly clock: Clock
  readonly trace: Trace
  readonly layouts: LayoutStore
  readonly change: Pick<LayoutChange, 'renew'>
  readonly members: () => readonly MemberView[]
}

/**
 * A disk that was replaced, copied or put back may have forgotten what it promised about the next layout, and has no
 * say in it (LayoutStore.mayVoteOn). Were that to befall a majority of the disks, one after the other, the layout could
 * never be changed again. So a node with such a disk has the others decide layouts that differ from the one before in
 * their number only, until there is one that comes after all that the disk can have promised.
 */
export class VoteRenewal {
  private readonly components: VoteRenewalComponents
  private readonly self: NodeId
  private dueMs: number
  private pauseMs = LOOK_EVERY_MS

  constructor(components: VoteRenewalComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
    this.dueMs = components.clock.monotonicMs() + LOOK_EVERY_MS
  }

  /** Several times a second. */
  round(): void {
    const nowMs = this.components.clock.monotonicMs()
    if (nowMs < this.dueMs) return
    this.dueMs = nowMs + this.pauseMs
    void this.look()
  }

  /** Where it does not come about, the next look tries again. */
  private async look(): Promise<void> {
    const { layouts, change, trace } = this.components
    const layout = layouts.layout()
    if (layout === undefined || !this.due(layout)) return
    try {
      const { version } = await change.renew(layout)
      this.pauseMs = LOOK_EVERY_MS
      trace.event('info', 'vote.renewed', { version })
    } catch (error) {
      this.pauseMs = Math.min(this.pauseMs * 2, LONGEST_PAUSE_MS)
      trace.event('info', 'vote.not_renewed', { why: toKvError(error).message })
    }
  }

  /** This node has no say in the next layout, and a majority without it can be asked. */
  private due(layout: Layout): boolean {
    const { layouts, members } = this.components
    if (layouts.mayVoteOn(layout.version + 1) || !isMember(layout, this.self)) return false
    const others = members().filter(
      ({ id, reachable }) => id !== this.self && reachable && isMember(layout, id),
    )
    return others.length > layout.members.length / 2
  }
}
