import type { PolicyResult } from '../../shared/api.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { LayoutChange } from './layout-change.ts'
import type { LayoutSpread } from './layout-spread.ts'

export interface PolicyChangeComponents {
  readonly change: LayoutChange
  readonly spread: LayoutSpread
}

/**
 * The conflict policy, changed while data is read and written. It decides what a reader sees of concurrent versions, and
 * what a write replaces; records, and how they are merged, are the same under both. So nothing on the disks is
 * converted, in either direction:
 *
 * - From `siblings` to `lww`, readers see of each key the version with the highest stamp. The others stay until the
 *   key is written, and are seen again if the policy changes back before.
 * - From `lww` to `siblings`, versions that lost while `lww` was in force may show up where no write has replaced them.
 *   A node that has not heard of the change takes nothing from those that have (LayoutFence), so it never drops a
 *   version that was written as one of several.
 */
export class PolicyChange {
  private readonly components: PolicyChangeComponents

  constructor(components: PolicyChangeComponents) {
    this.components = components
  }

  /** Rejects as LayoutChange.amend. */
  async to(policy: ConflictPolicy): Promise<PolicyResult> {
    let changed = false
    const layout = await this.components.change.amend((current) => {
      if (current.conflicts === policy) return current
      changed = true
      return { ...current, conflicts: policy }
    })
    const waitingFor = await this.components.spread.waitFor(layout.version)
    return { conflicts: layout.conflicts, layoutVersion: layout.version, changed, waitingFor }
  }
}
