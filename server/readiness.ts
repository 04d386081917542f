import type { KvError } from '../shared/errors.ts'
import type { Completeness } from './membership/completeness.ts'
import type { Membership } from './membership/membership.ts'
import type { Storage } from './ports/storage.ts'
import type { Minter } from './replica/minter.ts'

export interface ReadinessSources {
  readonly storage: Storage
  /** Why the process should exit. */
  readonly failure: KvError | undefined
  readonly minter: Minter
  readonly membership: Membership
  readonly completeness: Completeness
  readonly phase: 'starting' | 'serving' | 'stopping'
}

export interface Readiness {
  readonly ready: boolean
  /** '' where it is. */
  readonly reason: string
}

/** Whether a node should be sent clients. */
export function readinessOf(sources: ReadinessSources): Readiness {
  const reason = lackOf(sources)
  return { ready: reason === undefined, reason: reason ?? '' }
}

function lackOf(sources: ReadinessSources): string | undefined {
  const { failure, storage, minter, membership, completeness, phase } = sources
  if (failure !== undefined) return failure.message
  if (phase !== 'serving') return `the node is ${phase}`
  const shortage = storage.shortage?.()
  if (shortage !== undefined) return shortage.message
  const layout = membership.layout()
  if (layout === undefined) return 'the ring is not formed yet: its first nodes have not all been found'
  const refusal = membership.refusal()
  if (refusal !== undefined) return refusal
  if (!membership.clockTrusted()) return 'the clock is not confirmed by the peers yet'
  if (!completeness.readable(layout.r, (id) => membership.reachable(id)))
    return 'the disk has to be filled first, and too few of the other owners are in reach'
  return minter.timely ? undefined : 'no time has been reserved for writes yet'
}
