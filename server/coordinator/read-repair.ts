import type { Counters } from '../../shared/counters.ts'
import type { Key } from '../../shared/key.ts'
import type { GetCore } from './get-core.ts'
import type { Holders } from './holders.ts'

/** Repairs under way at a time; further ones are left to the next read and to the other kinds of repair. */
const MAX_UNDER_WAY = 256
const STORE_TIMEOUT_MS = 5_000

/**
 * Brings owners that a read found behind up to date. They merge what they are sent, so a repair that arrives after
 * a newer write takes nothing back.
 */
export class ReadRepair {
  private readonly components: { holders: Holders; counters: Counters }
  private underWay = 0

  constructor(components: { holders: Holders; counters: Counters }) {
    this.components = components
  }

  mend(key: Key, core: GetCore): void {
    const { holders, counters } = this.components
    if (core.agreed) return
    const { nodes, bytes } = core.stale()
    for (const node of nodes) {
      if (this.underWay >= MAX_UNDER_WAY) return counters.add('read_repairs_skipped_total')
      this.underWay++
      counters.add('read_repairs_total')
      holders.mend(node, key, bytes, STORE_TIMEOUT_MS, () => {
        this.underWay--
      })
    }
  }
}
