import type { NodeState } from '../../shared/api.ts'
import type { Address, NodeId } from '../ports/network.ts'
import type { Peer } from './peer-table.ts'

/** A member of the layout, or a node that was found and is none yet, as this node sees it. */
export interface MemberView {
  readonly id: NodeId
  /** `joining` for a node that is no member. */
  readonly state: NodeState
  readonly http: string
  readonly peer: Address | undefined
  readonly zone: string
  readonly incarnation: string
  readonly keys: number
  readonly bytes: number
  readonly hintsHeld: number
  readonly hintBytes: number
  readonly oldestHintMs: number
  readonly hintsFor: readonly NodeId[]
  readonly divergentSlots: number
  readonly unfilledSlots: number
  /** The number of the layout that it goes by, as it said last; 0 where it has none, or has said nothing. */
  readonly layoutVersion: number
  /** Monotonic milliseconds of the last heartbeat; -Infinity before the first. */
  readonly lastHeardMs: number
  readonly reachable: boolean
  readonly ready: boolean
}

type Described = Pick<
  Peer,
  'id' | 'address' | 'incarnation' | 'http' | 'zone' | 'layoutVersion' | 'report' | 'ready' | 'heardMs'
>

/** Zeros where the node has not reported yet. */
export function memberView(peer: Described, state: NodeState, reachable: boolean): MemberView {
  const { id, http, address, zone, incarnation, layoutVersion, report, heardMs, ready } = peer
  return {
    id,
    state,
    http,
    peer: address,
    zone,
    incarnation,
    keys: report?.keys ?? 0,
    bytes: report?.bytes ?? 0,
    hintsHeld: report?.hintsHeld ?? 0,
    hintBytes: report?.hintBytes ?? 0,
    oldestHintMs: report?.oldestHintMs ?? 0,
    hintsFor: report?.hintsFor ?? [],
    divergentSlots: report?.divergentSlots ?? 0,
    unfilledSlots: report?.unfilledSlots ?? 0,
    layoutVersion,
    lastHeardMs: heardMs,
    reachable,
    ready: reachable && ready,
  }
}
