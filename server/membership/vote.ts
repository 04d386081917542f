import { ByteReader, ByteWriter } from '../../shared/wire.ts'
import type { NodeId } from '../ports/network.ts'
import type { Codec, Method } from '../rpc/method.ts'
import { compareIds, isMember, type Layout, layoutCodec } from './layout.ts'

export const VOTE_KEY = Buffer.from('mlayout.vote')

const FORMAT = 1

/** A proposal of the first layout, and, once durable on a node, that node's vote for it. */
export interface Proposal {
  readonly proposer: NodeId
  /** Only this very data directory knows what became of the proposal. */
  readonly proposerIncarnation: string
  readonly layout: Layout
}

/**
 * `yes`: durable here. `held`: the vote is with another proposer. `later`: ask again. `declined`: never, since a
 * ring is known already. `decided`: this node has a layout, which comes with the answer.
 */
export type Answer = 'yes' | 'held' | 'later' | 'declined' | 'decided'

export interface VoteAnswer {
  readonly answer: Answer
  /** With `held`: who has the vote. */
  readonly holder: NodeId
  readonly layout: Layout | undefined
}

/** `withdrawn`: it will never be decided. */
export type ProposalFate = 'open' | 'withdrawn' | 'decided'

export interface FateAnswer {
  readonly fate: ProposalFate
  readonly incarnation: string
  readonly layout: Layout | undefined
}

/** What a node does with a proposal that reaches it. */
export type Judgement = 'confirm' | 'vote' | Exclude<Answer, 'yes'>

export interface VoterState {
  readonly self: NodeId
  readonly cluster: string
  readonly incarnation: string
  readonly layout: Layout | undefined
  readonly vote: Proposal | undefined
  /** Some ring of the cluster is formed already. */
  readonly ringKnown: boolean
}

/**
 * A vote is given once, to the first proposal that asks, and is free again only when its proposer has withdrawn.
 * A proposer itself gives way to a lower id: it replaces its own proposal by the other one, in one durable step,
 * and so withdraws it.
 */
export function judge(
  state: VoterState,
  from: NodeId,
  { proposer, layout, ...proposal }: Proposal,
): Judgement {
  if (state.layout !== undefined) return 'decided'
  const sound = proposer === from && layout.version === 1 && layout.cluster === state.cluster
  if (!sound || !isMember(layout, state.self) || !isMember(layout, proposer)) return 'declined'
  const { vote } = state
  if (vote === undefined) return state.ringKnown ? 'declined' : 'vote'
  const same = vote.proposer === proposer && vote.layout.ringId === layout.ringId
  if (same && vote.proposerIncarnation === proposal.proposerIncarnation) return 'confirm'
  if (ownsProposal(state, vote) && compareIds(proposer, state.self) < 0) return 'vote'
  return 'held'
}

/** A restored or copied data directory has a new incarnation, and cannot speak for the proposal any more. */
export function ownsProposal(state: Pick<VoterState, 'self' | 'incarnation'>, vote: Proposal): boolean {
  return vote.proposer === state.self && vote.proposerIncarnation === state.incarnation
}

/** What its proposer, or who has the same id now, says of a proposal. */
export function fateOf(state: VoterState, ringId: string): ProposalFate {
  if (state.layout !== undefined) return 'decided'
  return state.vote?.layout.ringId === ringId ? 'open' : 'withdrawn'
}

const proposalCodec: Codec<Proposal> = {
  write: (writer, { proposer, proposerIncarnation, layout }) => {
    writer.u8(FORMAT).text(proposer).text(proposerIncarnation)
    layoutCodec.write(writer, layout)
  },
  read: (reader) => {
    const format = reader.u8()
    if (format !== FORMAT) throw new RangeError(`a vote in format ${format}; this version reads ${FORMAT}`)
    return { proposer: reader.text(), proposerIncarnation: reader.text(), layout: layoutCodec.read(reader) }
  },
}

export function encodeVote(vote: Proposal): Buffer {
  const writer = new ByteWriter()
  proposalCodec.write(writer, vote)
  return writer.finish()
}

/** @throws RangeError or KvError where the bytes are not a vote. */
export function decodeVote(bytes: Buffer): Proposal {
  const reader = new ByteReader(bytes)
  const vote = proposalCodec.read(reader)
  reader.done()
  return vote
}

const ANSWERS: readonly Answer[] = ['yes', 'held', 'later', 'declined', 'decided']
const FATES: readonly ProposalFate[] = ['open', 'withdrawn', 'decided']

/** Asks a member of the proposed layout for its vote. */
export const VOTE: Method<Proposal, VoteAnswer> = {
  id: 3,
  name: 'vote',
  anyLayout: true,
  request: proposalCodec,
  response: {
    write: (writer, { answer, holder, layout }) => {
      writeOptionalLayout(writer.u8(ANSWERS.indexOf(answer)).text(holder), layout)
    },
    read: (reader) => {
      const answer = known(ANSWERS[reader.u8()])
      return { answer, holder: reader.text(), layout: readOptionalLayout(reader) }
    },
  },
}

/** Asks a proposer what became of its proposal, named by its ring id. */
export const FATE: Method<string, FateAnswer> = {
  id: 4,
  name: 'proposal-fate',
  anyLayout: true,
  request: { write: (writer, ringId) => void writer.text(ringId), read: (reader) => reader.text() },
  response: {
    write: (writer, { fate, incarnation, layout }) => {
      writeOptionalLayout(writer.u8(FATES.indexOf(fate)).text(incarnation), layout)
    },
    read: (reader) => {
      const fate = known(FATES[reader.u8()])
      return { fate, incarnation: reader.text(), layout: readOptionalLayout(reader) }
    },
  },
}

/** Asks a peer for its layout. */
export const LAYOUT: Method<undefined, Layout | undefined> = {
  id: 2,
  name: 'layout',
  anyLayout: true,
  request: { write: () => undefined, read: () => undefined },
  response: { write: writeOptionalLayout, read: readOptionalLayout },
}

export function writeOptionalLayout(writer: ByteWriter, layout: Layout | undefined): void {
  writer.flag(layout !== undefined)
  if (layout !== undefined) layoutCodec.write(writer, layout)
}

export function readOptionalLayout(reader: ByteReader): Layout | undefined {
  return reader.flag() ? layoutCodec.read(reader) : undefined
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError('an answer of no known kind')
  return value
}
