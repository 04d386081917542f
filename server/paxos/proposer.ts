import type { NodeId } from '../ports/network.ts'
import type { Accepted } from './acceptor.ts'
import { compareBallots } from './ballot.ts'

/** The tally of one ballot of single-decree Paxos (Lamport, "Paxos Made Simple", 2001, section 2.2). */
export class Proposal<Value> {
  private readonly acceptors: readonly NodeId[]
  private readonly own: Value
  private readonly promises = new Set<NodeId>()
  private readonly acceptances = new Set<NodeId>()
  private highest: Accepted<Value> | undefined

  constructor(acceptors: readonly NodeId[], own: Value) {
    this.acceptors = acceptors
    this.own = own
  }

  /** `from` promised to take part in no lower ballot, and has told what it accepted last. */
  promisedBy(from: NodeId, accepted: Accepted<Value> | undefined): void {
    if (!this.acceptors.includes(from)) return
    this.promises.add(from)
    if (accepted === undefined) return
    if (this.highest === undefined || compareBallots(accepted.ballot, this.highest.ballot) > 0)
      this.highest = accepted
  }

  acceptedBy(from: NodeId): void {
    if (this.acceptors.includes(from)) this.acceptances.add(from)
  }

  /** A majority has promised: the value may be proposed. */
  get prepared(): boolean {
    return this.promises.size > this.acceptors.length / 2
  }

  /** A majority has accepted: no other value will ever be chosen. */
  get chosen(): boolean {
    return this.acceptances.size > this.acceptors.length / 2
  }

  /** Something may have been chosen in an earlier ballot. */
  get inherits(): boolean {
    return this.highest !== undefined
  }

  /** What may be proposed once a majority has promised: what may have been chosen already, or else the own value. */
  get value(): Value {
    return this.highest === undefined ? this.own : this.highest.value
  }
}
