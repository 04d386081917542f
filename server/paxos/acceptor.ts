import { type Ballot, compareBallots } from './ballot.ts'

/** A value, and the ballot in which it was accepted last. */
export interface Accepted<Value> {
  readonly ballot: Ballot
  readonly value: Value
}

/** What an acceptor must never forget. */
export interface AcceptorState<Value> {
  /** No ballot below it is taken part in any more. */
  readonly promised: Ballot | undefined
  readonly accepted: Accepted<Value> | undefined
}

export const UNDECIDED: AcceptorState<never> = { promised: undefined, accepted: undefined }

/**
 * Phase 1 of single-decree Paxos (Lamport, "Paxos Made Simple", 2001, section 2.2).
 * @returns the state to be made durable before the promise is given; undefined where a higher ballot has been promised.
 */
export function prepare<Value>(
  state: AcceptorState<Value>,
  ballot: Ballot,
): AcceptorState<Value> | undefined {
  return outdated(state, ballot) ? undefined : { ...state, promised: ballot }
}

/**
 * Phase 2.
 * @returns the state to be made durable before the acceptance is told; undefined where a higher ballot has been promised.
 */
export function accept<Value>(
  state: AcceptorState<Value>,
  ballot: Ballot,
  value: Value,
): AcceptorState<Value> | undefined {
  return outdated(state, ballot) ? undefined : { promised: ballot, accepted: { ballot, value } }
}

function outdated({ promised }: AcceptorState<unknown>, ballot: Ballot): boolean {
  return promised !== undefined && compareBallots(ballot, promised) < 0
}
