import { compareIds } from '../membership/layout.ts'
import type { NodeId } from '../ports/network.ts'

/** Numbers the attempts to decide something: no two proposers ever use the same one. */
export interface Ballot {
  /** From 1. */
  readonly round: number
  readonly proposer: NodeId
}

export function compareBallots(a: Ballot, b: Ballot): number {
  return a.round - b.round || compareIds(a.proposer, b.proposer)
}
