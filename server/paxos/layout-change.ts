import { KvError } from '../../shared/errors.ts'
import type { Layout } from '../membership/layout.ts'
import type { LayoutStore } from '../membership/layout-store.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Trace } from '../ports/trace.ts'
import type { Method, Reply, Rpc } from '../rpc/method.ts'
import type { Ballot } from './ballot.ts'
import { DECREE_ACCEPT, DECREE_PREPARE, type DecreeAnswer } from './decree-methods.ts'
import type { LayoutVoter } from './layout-voter.ts'
import { Proposal } from './proposer.ts'

/** A member that has not answered by then counts as out of reach, milliseconds. */
const CALL_TIMEOUT_MS = 700

/** Between two ballots, milliseconds, drawn up to so much more: proposers in each other's way get out of step. */
const RETRY_MS = 50
const RETRY_SPREAD_MS = 200

/** After this long without a decision the change is given up. */
export const CHANGE_TIMEOUT_MS = 3_000

export interface LayoutChangeComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly trace: Trace
  readonly layouts: LayoutStore
  readonly voter: LayoutVoter
}

/** The layout that shall come next; the same one where nothing is to be changed. Its version is set by the change. */
export type Amendment = (layout: Layout) => Layout

interface Round {
  readonly layout: Layout
  readonly ballot: Ballot
  /** Nothing is to be changed: it is enough to know that nothing comes after the layout. */
  readonly confirm: boolean
}

interface Attempt {
  /** Members were asked to accept something. */
  readonly proposed: boolean
  /** Number v + 1, or a later one, where it is known to be decided. */
  readonly layout?: Layout
  /** A majority says that number v + 1 had not been decided when it was asked. */
  readonly confirmed?: boolean
  /** What kept it from being decided. */
  readonly why: string
}

/**
 * Changes the layout: number v + 1 is decided by the members of layout v, a majority of whom must accept, with Paxos
 * (Lamport, "Paxos Made Simple", 2001). So at each number there is one layout at most, whoever proposes what.
 */
export class LayoutChange {
  private readonly components: LayoutChangeComponents
  private readonly self: NodeId
  private highestRound = 0
  private name: string | undefined
  private working = false
  /** The last one: it may be under way, and is never rejected. */
  private renewal: Promise<unknown> | undefined
  private stopped = false

  constructor(components: LayoutChangeComponents, settings: { id: NodeId }) {
    this.components = components
    this.self = settings.id
  }

  stop(): void {
    this.stopped = true
  }

  /**
   * Resolves with the layout that the ring goes by when nothing is left to amend: a majority has confirmed it, so a node
   * that has missed a change does not take its own for the latest. Rejects with a KvError: `conflict`
   * while another change is under way here, `no_quorum` where nothing was proposed, `outcome_unknown` where something
   * was, but not decided in time: whoever proposes next finds it, and may have to finish it.
   */
  async amend(amendment: Amendment): Promise<Layout> {
    if (this.renewal !== undefined) await this.renewal
    if (this.working)
      throw new KvError('conflict', 'a change of the layout is under way on this node', 'try again')
    this.working = true
    try {
      return await this.pursue(amendment)
    } finally {
      this.working = false
    }
  }

  /**
   * Puts a higher number on the layout, unless a later one is found. Rejects as `amend`, whose callers wait meanwhile:
   * none is refused for what nobody has asked for.
   */
  renew(layout: Layout): Promise<Layout> {
    const renewed = this.amend((current) => (current.version === layout.version ? { ...current } : current))
    this.renewal = renewed.catch(() => undefined)
    return renewed
  }

  private async pursue(amendment: Amendment): Promise<Layout> {
    const { clock, random, layouts } = this.components
    const untilMs = clock.monotonicMs() + CHANGE_TIMEOUT_MS
    let proposed = false
    for (;;) {
      const layout = layouts.layout()
      if (layout === undefined)
        throw new KvError('not_ready', 'the ring is not formed yet', 'try again, or see /health/ready')
      const wanted = amendment(layout)
      const ballot = { round: ++this.highestRound, proposer: this.proposer() }
      const confirm = wanted === layout
      const attempt = await this.decide(
        { layout, ballot, confirm },
        { ...wanted, version: layout.version + 1 },
      )
      if (attempt.confirmed && layouts.layout() === layout) return layout
      proposed ||= attempt.proposed
      if (attempt.layout !== undefined) await this.adopt(attempt.layout)
      if (layouts.layout() !== layout) continue
      if (this.stopped || clock.monotonicMs() >= untilMs) throw undecided(proposed, attempt.why)
      await this.pause(RETRY_MS + random.below(RETRY_SPREAD_MS))
    }
  }

  /** One ballot. */
  private async decide(round: Round, wanted: Layout): Promise<Attempt> {
    const acceptors = round.layout.members.map(({ id }) => id)
    const proposal = new Proposal(acceptors, wanted)
    const { voter } = this.components
    const question = { version: wanted.version, ballot: round.ballot }
    const prepared = await this.ask(acceptors, DECREE_PREPARE, question, voter.prepare.bind(voter), {
      heard: (from, { accepted }) => proposal.promisedBy(from, accepted),
      enough: () => proposal.prepared,
    })
    if (prepared.layout !== undefined) return { proposed: false, layout: prepared.layout, why: '' }
    if (!proposal.prepared) return { proposed: false, why: prepared.why }
    if (round.confirm && !proposal.inherits) return { proposed: false, confirmed: true, why: '' }
    const { value } = proposal
    const order = { ...question, layout: value }
    const accepted = await this.ask(acceptors, DECREE_ACCEPT, order, voter.accept.bind(voter), {
      heard: (from) => proposal.acceptedBy(from),
      enough: () => proposal.chosen,
    })
    if (proposal.chosen) {
      this.components.trace.event('info', 'layout.decided', { version: value.version, by: this.self })
      return { proposed: true, layout: value, why: '' }
    }
    if (accepted.layout !== undefined) return { proposed: true, layout: accepted.layout, why: '' }
    return { proposed: true, why: accepted.why }
  }

  /** Asks all; resolves when there are enough, or all have answered or had the time to. */
  private ask<Request>(
    members: readonly NodeId[],
    method: Method<Request, DecreeAnswer>,
    request: Request,
    own: (request: Request, reply: Reply<DecreeAnswer>) => void,
    tally: { heard: (from: NodeId, answer: DecreeAnswer) => void; enough: () => boolean },
  ): Promise<{ layout?: Layout; why: string }> {
    return new Promise((resolve) => {
      let left = members.length
      let why = ''
      const reply =
        (from: NodeId): Reply<DecreeAnswer> =>
        (error, answer) => {
          left--
          if (answer === undefined) why = error?.message ?? ''
          else if (answer.answer === 'yes') tally.heard(from, answer)
          else if (answer.layout !== undefined) return resolve({ layout: answer.layout, why: '' })
          else this.highestRound = Math.max(this.highestRound, answer.ballot?.round ?? 0)
          if (tally.enough() || left === 0) resolve({ why })
        }
      for (const id of members) {
        if (id === this.self) own(request, reply(id))
        else this.components.rpc.call(id, method, request, CALL_TIMEOUT_MS, reply(id))
      }
    })
  }

  /** A layout that arrives here by itself at the same time will do as well. */
  private async adopt(layout: Layout): Promise<void> {
    const { layouts } = this.components
    if (await layouts.adopt(layout)) return
    while (layouts.busy() && !this.stopped) await this.pause(RETRY_MS)
  }

  /** Proposals of an earlier run may still be under way, with the same rounds and other layouts. */
  private proposer(): string {
    this.name ??= `${this.self}.${this.components.random.bytes(8).toString('hex')}`
    return this.name
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.components.clock.after(ms, resolve))
  }
}

function undecided(proposed: boolean, why: string): KvError {
  const hint = 'see which nodes are up: kv ring status'
  if (proposed)
    return new KvError(
      'outcome_unknown',
      `the next layout was proposed, but not decided in time: ${why}`,
      hint,
    )
  return new KvError(
    'no_quorum',
    `no majority of the members could be asked about the next layout: ${why}`,
    hint,
  )
}
