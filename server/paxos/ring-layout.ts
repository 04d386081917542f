import type { PolicyResult, RemovalResult } from '../../shared/api.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { LayoutStore } from '../membership/layout-store.ts'
import type { MemberView } from '../membership/member-view.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { GroupCommit } from '../replica/group-commit.ts'
import type { Rpc } from '../rpc/method.ts'
import { LayoutChange } from './layout-change.ts'
import { LayoutSpread } from './layout-spread.ts'
import { LayoutVoter } from './layout-voter.ts'
import { MemberRemoval } from './member-removal.ts'
import { PolicyChange } from './policy-change.ts'
import { VoteRenewal } from './vote-renewal.ts'

export interface RingLayoutComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly trace: Trace
  readonly ring: { readonly layouts: LayoutStore; members(): readonly MemberView[] }
}

/** This node's part in what the next layout is, after the first one. */
export class RingLayout {
  private readonly voter: LayoutVoter
  private readonly change: LayoutChange
  private readonly policy: PolicyChange
  private readonly removal: MemberRemoval
  private readonly renewal: VoteRenewal

  constructor(components: RingLayoutComponents, settings: { id: NodeId }) {
    const { ring } = components
    const { layouts } = ring
    this.voter = new LayoutVoter({ ...components, layouts }, settings)
    this.change = new LayoutChange({ ...components, layouts, voter: this.voter }, settings)
    const members = () => ring.members()
    const parts = { change: this.change, members, spread: new LayoutSpread({ ...components, members }) }
    this.policy = new PolicyChange(parts)
    this.removal = new MemberRemoval(parts, settings)
    this.renewal = new VoteRenewal({ ...components, layouts, change: this.change, members }, settings)
  }

  /** @throws RangeError or KvError where what was voted is unreadable. */
  recover(): void {
    this.voter.recover()
  }

  /** Several times a second. */
  round(): void {
    this.renewal.round()
  }

  stop(): void {
    this.change.stop()
  }

  /** Rejects as LayoutChange.amend. */
  changePolicy(policy: ConflictPolicy): Promise<PolicyResult> {
    return this.policy.to(policy)
  }

  /** Rejects as MemberRemoval.of. */
  removeMember(id: NodeId, force: boolean): Promise<RemovalResult> {
    return this.removal.of(id, force)
  }
}
