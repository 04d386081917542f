import { toKvError } from '../../shared/errors.ts'
import type { NodeId } from '../ports/network.ts'
import type { Trace } from '../ports/trace.ts'
import type { Rpc } from '../rpc/method.ts'
import { isMember, wasRemoved } from './layout.ts'
import type { LayoutStore } from './layout-store.ts'
import { LAYOUT } from './vote.ts'

const TIMEOUT_MS = 2000

/** Fetches a layout from a peer whose heartbeat shows that it has a newer one, and gives this node's to others. */
export class LayoutFetch {
  private readonly components: { rpc: Rpc; trace: Trace; layouts: LayoutStore }
  private readonly self: NodeId
  private underWay = false
  /** The digest of the last one seen that does not name this node: it is not fetched again. */
  private withoutSelf: string | undefined

  constructor(components: { rpc: Rpc; trace: Trace; layouts: LayoutStore }, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
    components.rpc.handle(LAYOUT, (_from, _request, reply) => reply(undefined, components.layouts.layout()))
  }

  /** @param digest of the peer's layout, where it is known. */
  consider(from: NodeId, version: number, digest?: string): void {
    const { layouts, rpc } = this.components
    const own = layouts.layout()?.version ?? 0
    if (version <= own || (digest ?? '?') === this.withoutSelf || this.underWay || layouts.busy()) return
    this.underWay = true
    rpc.call(from, LAYOUT, undefined, TIMEOUT_MS, (error, layout) => {
      this.underWay = false
      if (error !== undefined || layout === undefined) return
      if (isMember(layout, this.self) || wasRemoved(layout, this.self)) {
        layouts.adopt(layout).catch((reason) => {
          this.components.trace.event('error', 'layout.not_stored', { why: toKvError(reason).message })
        })
      } else this.withoutSelf = digest
    })
  }
}
