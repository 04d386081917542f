import type { RemovalResult } from '../../shared/api.ts'
import { KvError } from '../../shared/errors.ts'
import type { Layout } from '../membership/layout.ts'
import type { MemberView } from '../membership/member-view.ts'
import type { NodeId } from '../ports/network.ts'
import type { LayoutChange } from './layout-change.ts'
import type { LayoutSpread } from './layout-spread.ts'

export interface MemberRemovalComponents {
  readonly change: LayoutChange
  readonly spread: LayoutSpread
  readonly members: () => readonly MemberView[]
}

/**
 * Takes a member out of the ring that does not come back. Each of its slots gets another owner in its place, which is
 * filled by the owners that stay; no other slot changes hands. So every write that a quorum of the old owners has
 * acknowledged is with one that stays, and the new one counts in no quorum before it has been compared with
 * all of those, under the new layout (Completeness).
 */
export class MemberRemoval {
  private readonly components: MemberRemovalComponents
  private readonly self: NodeId

  constructor(components: MemberRemovalComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  /**
   * Rejects as LayoutChange.amend, with `not_found` for no member, and with `conflict` where the member must not go now.
   * @param force also where acknowledged writes may be lost with it.
   */
  async of(id: NodeId, force: boolean): Promise<RemovalResult> {
    let changed = false
    const layout = await this.components.change.amend((current) => {
      if (current.former.some((member) => member.id === id)) return current
      const leaving = current.members.find((member) => member.id === id)
      if (leaving === undefined)
        throw new KvError('not_found', `there is no member ${JSON.stringify(id)}`, 'list them: kv node list')
      this.check(current, id, force)
      changed = true
      const members = current.members.filter((member) => member.id !== id)
      const former = [...current.former, { ...leaving, removedIn: current.version + 1 }]
      return { ...current, members, former }
    })
    const waitingFor = await this.components.spread.waitFor(layout.version)
    return { removed: id, layoutVersion: layout.version, changed, waitingFor }
  }

  /** @throws KvError `conflict` */
  private check({ members, n, version }: Layout, id: NodeId, force: boolean): void {
    const views = new Map(this.components.members().map((view) => [view.id, view]))
    if (id === this.self || views.get(id)?.state !== 'down')
      throw new KvError(
        'conflict',
        `${id} is ${views.get(id)?.state ?? 'not known here'}: only a node that is down can be taken out of the ring`,
        'stop it first, and see that it is down: kv ring status',
      )
    if (members.length <= n)
      throw new KvError(
        'conflict',
        `every key has ${n} copies, and without ${id} there would be ${members.length - 1} nodes for them`,
        `start ${id} again with an empty data directory instead: the ring fills it`,
      )
    if (force) return
    if (n === 1)
      throw new KvError(
        'conflict',
        `every key has one copy: what ${id} has would be lost`,
        `start ${id} again, or give that up: kv node remove ${id} --force`,
      )
    for (const member of members) {
      const lack = member.id === id ? undefined : lackOf(views.get(member.id), version)
      if (lack === undefined) continue
      throw new KvError(
        'conflict',
        `${member.id} is ${lack}: what only ${id} and ${member.id} have would be lost`,
        `wait until it is there and whole, or give that up: kv node remove ${id} --force`,
      )
    }
  }
}

/** What keeps a member from having all that it owns, as far as it has said since the last change of the owners. */
function lackOf(view: MemberView | undefined, version: number): string | undefined {
  if (view?.reachable !== true) return 'out of reach'
  if (!view.ready || view.layoutVersion < version) return 'not ready'
  return view.unfilledSlots > 0 ? 'being filled' : undefined
}
