import { toKvError } from '../../shared/errors.ts'
import type { ConflictPolicy } from '../causality/record.ts'
import type { Clock } from '../ports/clock.ts'
import type { NodeId } from '../ports/network.ts'
import type { Random } from '../ports/random.ts'
import type { Storage } from '../ports/storage.ts'
import type { Trace } from '../ports/trace.ts'
import type { Rpc } from '../rpc/method.ts'
import { completeOp } from './completeness.ts'
import { compareIds, isMember, type Layout, type LayoutMember } from './layout.ts'
import type { LayoutStore } from './layout-store.ts'
import * as vote from './vote.ts'

/** A node listens for two beacon intervals before it founds a ring: there may be one already. */
export const SETTLE_MS = 1000

/** A proposal is withdrawn when one of its members has been out of reach for this long. */
export const ABANDON_MS = 5000

/** Between two questions to a proposer whether the proposal that holds this node's vote is still open. */
const FATE_INTERVAL_MS = 1000
const CALL_TIMEOUT_MS = 2000
const RETRY_MS = 1000
const DECLINED_RETRY_MS = 5000

/** What the founding of a ring needs to know of the peers. */
export interface Founders {
  /** Peers within reach that have no layout. */
  unattached(): LayoutMember[]
  reachable(id: NodeId): boolean
  /** Some ring of this cluster has been seen. */
  ringKnown(): boolean
  sawRing(ringId: string): void
}

export interface BootstrapComponents {
  readonly clock: Clock
  readonly random: Random
  readonly rpc: Rpc
  readonly storage: Storage
  readonly trace: Trace
  readonly layouts: LayoutStore
  readonly founders: Founders
}

export interface BootstrapSettings {
  readonly id: NodeId
  readonly cluster: string
  readonly incarnation: string
  readonly zone: string
  readonly weight: number
  readonly bootstrapExpect: number
  readonly n: number
  readonly r: number
  readonly w: number
  readonly conflicts: ConflictPolicy
}

/**
 * The first layout, once: an atomic commitment (Gray, "Notes on Data Base Operating Systems", 1978) in which the
 * lowest id among `bootstrapExpect` nodes proposes, all the members of the proposal must vote for it durably,
 * and the proposer then decides, durably. A member votes for one proposal at a time; its vote is freed only by a
 * proposer that has durably withdrawn. So two rings can never share a member. Proposers that stand in each
 * other's way give way to the lower id; a crashed proposer goes on with the same proposal when it is back.
 *
 * Sets of founders that do not know of each other (a partition with at least `bootstrapExpect` nodes on both
 * sides) found two rings, which then refuse each other: choose it above half of the nodes.
 */
export class Bootstrap {
  private readonly components: BootstrapComponents
  private readonly settings: BootstrapSettings
  private vote: vote.Proposal | undefined
  private writing = false
  private running = false
  private readonly agreed = new Set<NodeId>()
  private readonly asked = new Set<NodeId>()
  private proposeMs = Number.POSITIVE_INFINITY
  private absentMs: number | undefined
  private fateMs = 0

  constructor(components: BootstrapComponents, settings: BootstrapSettings) {
    this.components = components
    this.settings = settings
    components.rpc.handle(vote.VOTE, (from, proposal, reply) => {
      this.answer(from, proposal).then(
        (answer) => reply(undefined, answer),
        (error) => reply(toKvError(error)),
      )
    })
    components.rpc.handle(vote.FATE, (_from, ringId, reply) => reply(undefined, this.fate(ringId)))
  }

  /** Recovers this node's vote. @throws RangeError or KvError where it is unreadable. */
  start(): void {
    const { storage, clock, layouts, trace } = this.components
    const bytes = layouts.layout() === undefined ? storage.get(vote.VOTE_KEY) : undefined
    if (bytes !== undefined) this.vote = vote.decodeVote(bytes)
    const orphan = this.vote?.proposer === this.settings.id && !this.owns(this.vote)
    if (orphan)
      trace.event('error', 'bootstrap.orphan', { why: 'restored or copied: wipe the data directory' })
    this.proposeMs = clock.monotonicMs() + SETTLE_MS
    this.running = true
  }

  stop(): void {
    this.running = false
  }

  /** To be called every few hundred milliseconds until there is a layout. */
  tick(): void {
    if (!this.running || this.writing || this.components.layouts.busy()) return
    if (this.components.layouts.layout() !== undefined) return
    const now = this.components.clock.monotonicMs()
    if (this.vote === undefined) this.considerProposing(now)
    else if (this.owns(this.vote)) this.pursue(this.vote, now)
    else this.askFate(this.vote, now)
  }

  private considerProposing(now: number): void {
    const { founders, random } = this.components
    const { id, cluster, incarnation, bootstrapExpect, conflicts } = this.settings
    if (bootstrapExpect < 1 || now < this.proposeMs || founders.ringKnown()) return
    const members = chooseFounders(this.self(), founders.unattached(), bootstrapExpect)
    if (members === undefined) return
    const n = Math.min(this.settings.n, members.length)
    const quorums = { n, r: Math.min(this.settings.r, n), w: Math.min(this.settings.w, n) }
    const ringId = random.bytes(16).toString('hex')
    const layout: Layout = { version: 1, cluster, ringId, ...quorums, conflicts, members, former: [] }
    void this.store({ proposer: id, proposerIncarnation: incarnation, layout }, 'bootstrap.proposed')
  }

  private pursue(proposal: vote.Proposal, now: number): void {
    const { founders } = this.components
    const { id } = this.settings
    const missing = proposal.layout.members.filter(
      (member) => member.id !== id && !this.agreed.has(member.id),
    )
    if (missing.length === 0) return this.adopt(proposal.layout)
    if (missing.every((member) => founders.reachable(member.id))) this.absentMs = undefined
    else this.absentMs ??= now
    if (this.absentMs !== undefined && now - this.absentMs > ABANDON_MS) return this.withdraw(RETRY_MS)
    for (const member of missing) if (!this.asked.has(member.id)) this.ask(member.id, proposal)
  }

  private ask(member: NodeId, proposal: vote.Proposal): void {
    this.asked.add(member)
    this.components.rpc.call(member, vote.VOTE, proposal, CALL_TIMEOUT_MS, (error, response) => {
      // Answers to a proposal that has been withdrawn meanwhile concern nobody.
      if (!this.running || this.vote !== proposal) return
      this.asked.delete(member)
      if (error === undefined && response !== undefined) this.counted(member, proposal, response)
    })
  }

  private counted(
    member: NodeId,
    proposal: vote.Proposal,
    { answer, holder, layout }: vote.VoteAnswer,
  ): void {
    if (answer === 'yes') {
      this.agreed.add(member)
      if (proposal.layout.members.every(({ id }) => id === this.settings.id || this.agreed.has(id)))
        this.tick()
    } else if (answer === 'decided' && layout !== undefined) this.learnLayout(layout)
    else if (answer === 'declined') this.withdraw(DECLINED_RETRY_MS)
    else if (answer === 'held' && compareIds(holder, this.settings.id) < 0) this.withdraw(RETRY_MS)
  }

  private askFate(held: vote.Proposal, now: number): void {
    if (now < this.fateMs || held.proposer === this.settings.id) return
    this.fateMs = now + FATE_INTERVAL_MS
    this.components.rpc.call(
      held.proposer,
      vote.FATE,
      held.layout.ringId,
      CALL_TIMEOUT_MS,
      (error, response) => {
        if (!this.running || error !== undefined || response === undefined || this.vote !== held) return
        const { fate, incarnation, layout } = response
        if (layout !== undefined) this.learnLayout(layout)
        if (
          fate === 'open' ||
          incarnation !== held.proposerIncarnation ||
          layout?.ringId === held.layout.ringId
        )
          return
        if (!this.busy()) void this.store(undefined, 'bootstrap.released')
      },
    )
  }

  private async answer(from: NodeId, proposal: vote.Proposal): Promise<vote.VoteAnswer> {
    const { layouts } = this.components
    if (!this.running || this.busy()) return reply('later')
    const judgement = vote.judge(this.state(), from, proposal)
    if (judgement === 'decided') return reply('decided', '', layouts.layout())
    if (judgement === 'confirm') return reply('yes')
    if (judgement === 'held') return reply('held', this.vote?.proposer)
    if (judgement !== 'vote') return reply(judgement)
    const stored = await this.store(proposal, 'bootstrap.voted')
    // A layout may have arrived while the vote was on its way to the disk.
    return reply(stored && !layouts.busy() && layouts.layout() === undefined ? 'yes' : 'later')
  }

  private fate(ringId: string): vote.FateAnswer {
    const { incarnation } = this.settings
    // Before the vote is recovered, or while it changes, nothing can be said to be withdrawn.
    if (!this.running || this.busy()) return { fate: 'open', incarnation, layout: undefined }
    const { layout } = this.state()
    return { fate: vote.fateOf(this.state(), ringId), incarnation, layout }
  }

  private withdraw(retryMs: number): void {
    if (this.busy()) return
    const { clock, random } = this.components
    this.proposeMs = clock.monotonicMs() + retryMs + random.below(retryMs)
    void this.store(undefined, 'bootstrap.withdrawn')
  }

  private learnLayout(layout: Layout): void {
    this.components.founders.sawRing(layout.ringId)
    if (isMember(layout, this.settings.id)) this.adopt(layout)
    else if (this.vote !== undefined && this.owns(this.vote)) this.withdraw(DECLINED_RETRY_MS)
  }

  private adopt(layout: Layout): void {
    if (this.busy()) return
    this.components.layouts.adopt(layout).catch((error) => this.fail(error))
  }

  /** Makes the vote durable, or its absence. @returns whether that succeeded. */
  private async store(next: vote.Proposal | undefined, event: string): Promise<boolean> {
    const { storage, trace } = this.components
    const subject = next ?? this.vote
    this.writing = true
    try {
      await storage.commit([
        next === undefined
          ? { type: 'del', key: vote.VOTE_KEY }
          : { type: 'put', key: vote.VOTE_KEY, value: vote.encodeVote(next) },
        ...(next === undefined ? [] : [completeOp(next.layout.ringId, this.settings.incarnation)]),
      ])
    } catch (error) {
      // `writing` stays set: what is on disk is unknown, so this node takes no part any more.
      this.fail(error)
      return false
    }
    this.writing = false
    this.vote = next
    this.agreed.clear()
    this.asked.clear()
    this.absentMs = undefined
    const members = subject?.layout.members.map((member) => member.id)
    trace.event('info', event, { proposer: subject?.proposer, ring: subject?.layout.ringId, members })
    return true
  }

  private fail(error: unknown): void {
    this.components.trace.event('error', 'bootstrap.not_stored', { why: toKvError(error).message })
  }

  private busy(): boolean {
    return this.writing || this.components.layouts.busy()
  }

  private owns(held: vote.Proposal): boolean {
    return vote.ownsProposal({ self: this.settings.id, incarnation: this.settings.incarnation }, held)
  }

  private self(): LayoutMember {
    const { id, zone, weight } = this.settings
    return { id, zone, weight }
  }

  private state(): vote.VoterState {
    const { layouts, founders } = this.components
    const { id, cluster, incarnation } = this.settings
    const ringKnown = founders.ringKnown()
    return { self: id, cluster, incarnation, layout: layouts.layout(), vote: this.vote, ringKnown }
  }
}

/** The lowest `expect` ids, where there are as many and this node's is the lowest of all. */
export function chooseFounders(
  self: LayoutMember,
  others: readonly LayoutMember[],
  expect: number,
): LayoutMember[] | undefined {
  const all = [self, ...others].sort((a, b) => compareIds(a.id, b.id))
  return all.length >= expect && all[0] === self ? all.slice(0, expect) : undefined
}

function reply(answer: vote.Answer, holder = '', layout?: Layout): vote.VoteAnswer {
  return { answer, holder, layout }
}
