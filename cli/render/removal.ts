import type { RemovalResult } from '../../shared/api.ts'

/** What has become of a node that was to go, and what happens next. */
export function removalText({ removed, layoutVersion, changed }: RemovalResult): string {
  if (!changed) return `${removed} is out of the ring already, layout ${layoutVersion}`
  return [
    `${removed} is out of the ring for good, layout ${layoutVersion}`,
    'its slots have other owners now, and the ring fills their copies: kv ring status',
  ].join('\n')
}
