import { expect } from 'chai'
import fc from 'fast-check'
import { type AcceptorState, accept, prepare, UNDECIDED } from '../../../server/paxos/acceptor.ts'
import type { Ballot } from '../../../server/paxos/ballot.ts'
import { Proposal } from '../../../server/paxos/proposer.ts'

const ACCEPTORS = ['a', 'b', 'c', 'd', 'e']

interface Message {
  readonly kind: 'prepare' | 'accept'
  readonly attempt: number
  readonly to: string
  readonly value: string
}

interface Attempt {
  readonly ballot: Ballot
  readonly proposal: Proposal<string>
  /** Sent once, however often the majority is heard. */
  accepting: boolean
}

/** Proposers that get in each other's way, over a network that loses, repeats and reorders. */
class Decree {
  readonly chosen = new Set<string>()
  private readonly states = new Map<string, AcceptorState<string>>(ACCEPTORS.map((id) => [id, UNDECIDED]))
  private readonly attempts: Attempt[] = []
  private readonly messages: Message[] = []

  /** A new ballot, perhaps with a round that others have used as well, for a value of its own. */
  begin(round: number, proposer: string): void {
    const used = this.attempts.some(({ ballot }) => ballot.round === round && ballot.proposer === proposer)
    if (used) return
    const attempt = this.attempts.length
    const proposal = new Proposal(ACCEPTORS, `value ${attempt}`)
    this.attempts.push({ ballot: { round, proposer }, proposal, accepting: false })
    for (const to of ACCEPTORS) this.messages.push({ kind: 'prepare', attempt, to, value: '' })
  }

  deliver(pick: number, again: boolean): void {
    const message = this.messages[pick % this.messages.length]
    if (message === undefined) return
    if (!again) this.messages.splice(this.messages.indexOf(message), 1)
    const { attempt, to, value } = message
    const { ballot, proposal } = this.attempts[attempt] as Attempt
    const state = this.states.get(to) as AcceptorState<string>
    const next = message.kind === 'prepare' ? prepare(state, ballot) : accept(state, ballot, value)
    if (next === undefined) return
    this.states.set(to, next)
    if (message.kind === 'prepare') proposal.promisedBy(to, next.accepted)
    else proposal.acceptedBy(to)
    this.advance(attempt)
  }

  private advance(number: number): void {
    const attempt = this.attempts[number] as Attempt
    const { proposal } = attempt
    if (proposal.prepared && !attempt.accepting) {
      attempt.accepting = true
      for (const to of ACCEPTORS)
        this.messages.push({ kind: 'accept', attempt: number, to, value: proposal.value })
    }
    if (!proposal.chosen) return
    const [accepted] = [...this.states.values()].flatMap((state) =>
      state.accepted?.ballot === attempt.ballot ? [state.accepted.value] : [],
    )
    if (accepted !== undefined) this.chosen.add(accepted)
  }
}

const step = fc.record({
  act: fc.constantFrom('begin', 'deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'deliver', 'repeat'),
  round: fc.integer({ min: 1, max: 8 }),
  proposer: fc.constantFrom('a', 'b', 'c'),
  pick: fc.nat(),
})

describe('single-decree Paxos', () => {
  it('chooses one value at most, whatever the network does', () => {
    let chosen = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), (steps) => {
        const decree = new Decree()
        for (const { act, round, proposer, pick } of steps) {
          if (act === 'begin') decree.begin(round, proposer)
          else decree.deliver(pick, act === 'repeat')
        }
        chosen += decree.chosen.size
        expect([...decree.chosen]).to.have.length.at.most(1)
      }),
      { numRuns: 2_000 },
    )
    // Nothing would be proven where nothing was ever chosen.
    expect(chosen).to.be.greaterThan(100)
  })
})
