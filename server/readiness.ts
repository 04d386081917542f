import type { Membership } from './membership/membership.ts'
import type { Storage } from './ports/storage.ts'
import type { GroupCommit } from './replica/group-commit.ts'
import type { Minter } from './replica/minter.ts'

export interface ReadinessSources {
  readonly storage: Storage
  readonly commit: GroupCommit
  readonly minter: Minter
  readonly membership: Membership
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

function lackOf({ storage, commit, minter, membership, phase }: ReadinessSources): string | undefined {
  const failure = commit.failed ?? storage.damage?.()
  if (failure !== undefined) return failure.message
  if (phase !== 'serving') return `the node is ${phase}`
  const shortage = storage.shortage?.()
  if (shortage !== undefined) return shortage.message
  if (membership.layout() === undefined)
    return 'the ring is not formed yet: its first nodes have not all been found'
  const refusal = membership.refusal()
  if (refusal !== undefined) return refusal
  if (!membership.clockTrusted()) return 'the clock is not confirmed by the peers yet'
  return minter.timely ? undefined : 'no time has been reserved for writes yet'
}
