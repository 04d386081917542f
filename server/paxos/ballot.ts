import { compareIds } from '../membership/layout.ts'
/** Numbers the attempts to decide something: no two proposers ever use the same one. */
export interface Ballot {
  /** From 1. */
  readonly round: number
  /** A node, and a name drawn at random for this run of its process: the next one does not know what this one used. */
  readonly proposer: string
}

export function compareBallots(a: Ballot, b: Ballot): number {
  return a.round - b.round || compareIds(a.proposer, b.proposer)
}
