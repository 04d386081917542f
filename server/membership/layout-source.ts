import type { LayoutSource } from '../rpc/layout-fence.ts'
import type { LayoutFetch } from './layout-fetch.ts'
import type { LayoutStore } from './layout-store.ts'

export interface LayoutSourceMembership {
  readonly layouts: LayoutStore
  readonly fetch: LayoutFetch
}

/** What the messages of peers are judged by; membership comes into being after the transport that carries its own. */
export function layoutSource(membership: () => LayoutSourceMembership): LayoutSource {
  return {
    version: () => membership().layouts.layout()?.version ?? 0,
    placedIn: () => membership().layouts.placedIn,
    removed: (id) => membership().layouts.removed(id),
    behind: (peer, version) => membership().fetch.consider(peer, version),
  }
}
